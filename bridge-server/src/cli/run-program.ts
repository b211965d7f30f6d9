import { spawn } from 'node:child_process';
import { Command, CommanderError } from 'commander';
import { missingLoaderPath } from '../runtime/provider-libraries';
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

  const libraries = missingLoaderPath();
  void (libraries === undefined ? parse(program) : runAgain(libraries)).then(code => {
    process.exitCode = code;
    // Native code may keep handles open; everything that had to be written has been awaited.
    setTimeout(() => process.exit(code), 300).unref();
  });
}

/** CUDA's libraries must be on the loader's path before a process starts: another one does the work. */
function runAgain(libraries: string): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  });
  // Ctrl-C reaches the child by itself: this process ends when that one has.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', code => resolve(code ?? 1));
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
