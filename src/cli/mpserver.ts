#!/usr/bin/env node
import {run} from './run.ts';
import {serverProgram} from './server-program.ts';

run('mpserver', serverProgram);
