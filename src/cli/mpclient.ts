#!/usr/bin/env node
import {requireNode} from './node-version.ts';

requireNode('mpclient');
const {clientProgram} = await import('./client-program.ts');
const {run} = await import('./run.ts');
run('mpclient', clientProgram);
