#!/usr/bin/env node
import {run} from './run.ts';
import {toolProgram} from './tool-program.ts';

run('mptunnel', toolProgram);
