#!/usr/bin/env node
import {requireNode} from './node-version.ts';

requireNode('mpserver');
const {serverProgram} = await import('./server-program.ts');
const {run} = await import('./run.ts');
run('mpserver', serverProgram);
