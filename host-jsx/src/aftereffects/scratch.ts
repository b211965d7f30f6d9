import type { AfterEffectsScriptCalls } from '#protocol/host-facts';
import { fail } from '../failure';
import { asOneStep, isComposition, openComposition, openProject } from './composition';
import type { AeApp } from './dom';

/** A composition made for the checks alone; the person's stays what it is, and active. */
export function openScratchComposition(
  app: AeApp,
  params: AfterEffectsScriptCalls['openScratch']['params'],
): AfterEffectsScriptCalls['openScratch']['value'] {
  var project = openProject(app);
  return asOneStep(app, 'host check', function () {
    var known = ' ';
    for (var i = 1; i <= project.numItems; i++) known += String(project.item(i).id) + ' ';
    project.items.addComp(params.name, params.width, params.height, 1, params.frames / params.rate, params.rate);
    for (var k = 1; k <= project.numItems; k++) {
      var item: unknown = project.item(k);
      if (isComposition(item) && known.indexOf(' ' + String(item.id) + ' ') < 0)
        return { composition: String(item.id) };
    }
    return fail('HOST_FAILED', { problem: 'no composition was made' });
  });
}

/** Takes away what the checks made, nothing else. */
export function closeScratchComposition(
  app: AeApp,
  params: AfterEffectsScriptCalls['closeScratch']['params'],
): AfterEffectsScriptCalls['closeScratch']['value'] {
  var project = openProject(app);
  return asOneStep(app, 'host check done', function () {
    var scratch = openComposition(app, params.composition);
    // Named as the checks name theirs: nothing else may be deleted.
    if (String(scratch.name) !== params.bin)
      return fail('HOST_FAILED', { problem: 'the scratch composition is not found again' });
    scratch.remove();
    for (var i = project.numItems; i >= 1; i--) {
      var item = project.item(i);
      // The folder has this name, and holds the checks' own films only; what is in it goes with it.
      if (String(item.name) === params.bin && !isComposition(item)) {
        item.remove();
        i = Math.min(i, project.numItems + 1);
      }
    }
    var left = false;
    for (var k = 1; k <= project.numItems; k++) if (String(project.item(k).id) === params.composition) left = true;
    return { removed: !left };
  });
}
