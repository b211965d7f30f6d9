import { unsupportedNet, type ImportedNet } from './imported-net';
import { NcnnWeights, parseNcnnParam } from './ncnn-file';
import { NcnnLowering, type NcnnOptions } from './ncnn-lowering';
import { ncnnRules } from './ncnn-rules';

/**
 * Turns ncnn's `.param` and `.bin` into ONNX with free height and width. Values keep the names of their blobs.
 * @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED (naming the layer), NET_UNSUPPORTED (naming the layer and its type)
 * Source: ncnn docs/developer-guide/operators.md and src/layer/*.cpp.
 */
export function importNcnn(param: string, bin: Uint8Array, options: NcnnOptions): ImportedNet {
  const layers = parseNcnnParam(param, options.name);
  const lowering = new NcnnLowering(new NcnnWeights(bin, options.name), options);
  for (const layer of layers) {
    const rule = Object.hasOwn(ncnnRules, layer.type) ? ncnnRules[layer.type] : undefined;
    if (!rule) throw unsupportedNet(options.name, `layers of type ${layer.type} (${layer.name})`);
    lowering.lower(layer, rule);
  }
  return lowering.finish();
}
