import * as ort from 'onnxruntime-node';
import { selfTest } from './self-test';
import { providerNames, type ProviderName } from './runtime';

/**
 * Entry of the child that tries one provider, named by the first argument, and sends what it found. A process of its
 * own: a bad driver may crash it, and the reason why a library does not load stands only on its standard error.
 */
const wanted = providerNames.find((name): name is ProviderName => name === process.argv[2]);
if (!wanted || !process.send) throw new Error('usage: fork probe-provider with the name of a provider');
void selfTest(ort, wanted).then(result => {
  process.send!(result, () => {
    // Native libraries may keep threads that end badly; all that was wanted is said.
    process.exit(0);
  });
});
