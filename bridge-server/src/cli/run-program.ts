import { Command, CommanderError } from 'commander';
import { reportFailure } from './output';

/** Runs the command line of this process and ends with the status that the design gives each outcome. */
export function runProgram(program: Command): void {
  for (const command of [program, ...program.commands, ...program.commands.flatMap(each => each.commands)])
    command.exitOverride();

  // A reader that has seen enough (`reverie models list | head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });

  void parse(program).then(code => {
    process.exitCode = code;
    // Native code may keep handles open; everything that had to be written has been awaited.
    setTimeout(() => process.exit(code), 300).unref();
  });
}

async function parse(program: Command): Promise<number> {
  try {
    await program.parseAsync();
    return 0;
  } catch (error) {
    // commander has printed its own message; help and --version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportFailure(error, process.argv.includes('--json'));
  }
}
