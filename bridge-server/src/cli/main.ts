import { Command, CommanderError } from 'commander';
import { addAtlasCommand } from './atlas';
import { addBenchCommand } from './bench';
import { addDemoCommand } from './demo';
import { addDoctorCommand } from './doctor';
import { addFlowCommand } from './flow';
import { addJobsCommand } from './jobs';
import { addMeasureCommand } from './measure';
import { addModelsCommand } from './models';
import { reportFailure } from './output';
import { addPictureCommands } from './pictures';
import { addRenderCommand } from './render';
import { addServeCommand } from './serve';

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
  addServeCommand,
  addJobsCommand,
  addDoctorCommand,
  addDemoCommand,
  addBenchCommand,
]) {
  addCommand(program);
}
for (const command of [program, ...program.commands, ...program.commands.flatMap(each => each.commands)]) command.exitOverride();

// A reader that has seen enough (`reverie models list | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

async function run(): Promise<number> {
  try {
    await program.parseAsync();
    return 0;
  } catch (error) {
    // commander has printed its own message; help and --version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportFailure(error, process.argv.includes('--json'));
  }
}

void run().then(code => {
  process.exitCode = code;
  // Native code may keep handles open; everything that had to be written has been awaited.
  setTimeout(() => process.exit(code), 300).unref();
});
