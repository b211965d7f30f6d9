import '../zod-without-eval';
import type { Premiere, Uxp, UxpFs, UxpOs } from './modules';
import { createPlugIn } from './plug-in';

declare const require: (name: string) => unknown;

createPlugIn({
  uxp: require('uxp') as Uxp,
  premiere: require('premierepro') as Premiere,
  fs: require('fs') as UxpFs,
  os: require('os') as UxpOs,
  window,
  document,
});
