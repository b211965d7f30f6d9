import type { PremiereScriptCalls } from '#protocol/host-facts';
import type { PremiereApp } from './dom';

declare var Folder: { startup?: { fsName: string }; appPackage?: { fsName: string } } | undefined;

/** What the application says of its own place, which differs by version and system. */
export function probePlaces(app: PremiereApp): PremiereScriptCalls['probePlaces']['value'] {
  var folder = typeof Folder === 'undefined' ? undefined : Folder;
  return {
    path: String(app.path || ''),
    startup: folder && folder.startup ? String(folder.startup.fsName) : '',
    appPackage: folder && folder.appPackage ? String(folder.appPackage.fsName) : '',
  };
}
