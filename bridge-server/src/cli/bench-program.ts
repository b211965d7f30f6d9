import { Command } from 'commander';
import { addBenchCommand } from './bench';
import { runProgram } from './run-program';

/** `reverie bench` alone: it needs onnxruntime and no other package, so that it travels in a small folder. */
const program = new Command('reverie');
addBenchCommand(program);
runProgram(program);
