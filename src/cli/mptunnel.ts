#!/usr/bin/env node
import {requireNode} from './node-version.ts';

requireNode('mptunnel');
const {toolProgram} = await import('./tool-program.ts');
const {run} = await import('./run.ts');
run('mptunnel', toolProgram);
