import { Command } from 'commander';
import { addAtlasCommand } from './atlas';
import { addBenchCommand } from './bench';
import { addDemoCommand } from './demo';
import { addDoctorCommand } from './doctor';
import { addFlowCommand } from './flow';
import { addJobsCommand } from './jobs';
import { addMeasureCommand } from './measure';
import { addModelsCommand } from './models';
import { addPictureCommands } from './pictures';
import { addRenderCommand } from './render';
import { runProgram } from './run-program';
import { addSectionsCommand } from './sections';
import { addServeCommand } from './serve';
import { addWorkerCommand } from './worker';
import { addTriggerCommand } from './trigger';

const program = new Command('reverie')
  .description('Paints, dreams into, upscales and retimes clips: what the Reverie panel does, from the command line.')
  .version('0.1.0');

for (const addCommand of [
  addRenderCommand,
  addPictureCommands,
  addAtlasCommand,
  addFlowCommand,
  addMeasureCommand,
  addModelsCommand,
  addSectionsCommand,
  addServeCommand,
  addWorkerCommand,
  addTriggerCommand,
  addJobsCommand,
  addDoctorCommand,
  addDemoCommand,
  addBenchCommand,
]) {
  addCommand(program);
}
runProgram(program);
