import { parseModel, type OnnxNode, type OnnxTensor } from '../../bridge-server/src/graph/onnx-format';
import type { WrittenLayer } from './caffe-writer';

/** Writes the topology and weights of a converted Caffe classifier back as Caffe layers. */
export function caffeLayersOf(model: Uint8Array): WrittenLayer[] {
  const { nodes, initializers } = parseModel(model);
  const tensors = new Map(initializers.map(tensor => [tensor.name, tensor]));
  const alias = new Map<string, string>();
  const blob = (name: string): string => alias.get(name) ?? name;
  return nodes.flatMap(node => {
    const ints = (key: string, fallback: readonly number[]): readonly number[] =>
      node.attributes.get(key)?.ints ?? fallback;
    const [top] = node.outputs as [string];
    const shape = {
      name: node.name || top,
      tops: [top],
      bottoms: node.inputs.filter(name => !tensors.has(name)).map(blob),
    };
    const pads = ints('pads', [0, 0, 0, 0]);
    const window = (kernelId: number, strideId: number, padId: number): Record<number, number> => ({
      [kernelId]: ints('kernel_shape', [1])[0]!,
      [strideId]: ints('strides', [1])[0]!,
      [padId]: pads[0]!,
    });
    switch (node.op) {
      case 'Conv': {
        const blobs = weightsOf(node, tensors);
        return [{ ...shape, type: 'Convolution', blobs, param: { 1: blobs[0]!.dims[0]!, ...window(4, 6, 3) } }];
      }
      case 'Relu':
        return [{ ...shape, type: 'ReLU' }];
      case 'MaxPool':
        return [{ ...shape, type: 'Pooling', param: { 1: 0, ...window(2, 3, 4) } }];
      case 'GlobalAveragePool':
        return [{ ...shape, type: 'Pooling', param: { 1: 1, 12: 1 } }];
      case 'LRN':
        return [
          {
            ...shape,
            type: 'LRN',
            param: { 1: node.attributes.get('size')!.i },
            floats: { 2: node.attributes.get('alpha')!.f, 3: node.attributes.get('beta')!.f },
          },
        ];
      case 'Concat':
        return [{ ...shape, type: 'Concat' }];
      case 'Flatten':
        alias.set(top, blob(node.inputs[0]!));
        return [];
      case 'Gemm': {
        const blobs = weightsOf(node, tensors);
        return [{ ...shape, type: 'InnerProduct', blobs, param: { 1: blobs[0]!.dims[0]! } }];
      }
      case 'Softmax':
        return [{ ...shape, type: 'Softmax' }];
      default:
        throw new Error(`no Caffe layer for ${node.op}`);
    }
  });
}

function weightsOf(
  node: OnnxNode,
  tensors: ReadonlyMap<string, OnnxTensor>,
): { dims: readonly number[]; data: Float32Array }[] {
  return node.inputs.flatMap(name => {
    const tensor = tensors.get(name);
    return tensor ? [{ dims: tensor.dims, data: tensor.data as Float32Array }] : [];
  });
}
