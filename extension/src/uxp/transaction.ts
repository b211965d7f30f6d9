import type { Action, Project } from '@adobe/premierepro';

/**
 * One undo step. `build` makes the actions inside the lock (since 26.3 they cannot be made outside) and must not wait
 * for anything. What is returned proves nothing: the caller reads back, and names `problem` where nothing happened.
 */
export function transact(project: Project, title: string, build: () => readonly Action[]): { problem?: string } {
  let problem: string | undefined = 'the application did not run the transaction';
  try {
    project.lockedAccess(() => {
      const actions = build();
      let refused = false;
      const done = project.executeTransaction(compound => {
        for (const action of actions) refused = compound.addAction(action) === false || refused;
      }, title);
      problem = refused
        ? 'the application refused an action'
        : done
          ? undefined
          : 'the application refused the transaction';
    });
  } catch (thrown) {
    problem = thrown instanceof Error ? thrown.message : String(thrown);
  }
  return problem === undefined ? {} : { problem };
}
