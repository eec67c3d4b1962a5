#!/usr/bin/env node
import {clientProgram} from './client-program.ts';
import {run} from './run.ts';

run('mpclient', clientProgram);
