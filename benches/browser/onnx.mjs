// Writes our networks as ONNX models, with the layers in the order of their documents, which src/model/networks has too.
import protobuf from "protobufjs";

// The part of ONNX's own onnx.proto that these models need; https://github.com/onnx/onnx has all of it.
const { root } = protobuf.parse(`
  syntax = "proto2";
  package onnx;
  message AttributeProto {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    repeated int64 ints = 8;
    optional int32 type = 20;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
  }
  message TensorProto {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    optional string name = 8;
    optional bytes raw_data = 9;
  }
  message Dimension {
    optional int64 dim_value = 1;
    optional string dim_param = 2;
  }
  message TensorShapeProto { repeated Dimension dim = 1; }
  message TypeOfTensor {
    optional int32 elem_type = 1;
    optional TensorShapeProto shape = 2;
  }
  message TypeProto { optional TypeOfTensor tensor_type = 1; }
  message ValueInfoProto {
    optional string name = 1;
    optional TypeProto type = 2;
  }
  message GraphProto {
    repeated NodeProto node = 1;
    optional string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message OperatorSetIdProto { optional int64 version = 2; }
  message ModelProto {
    optional int64 ir_version = 1;
    optional GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
  }
`, { keepCase: true });
const ModelProto = root.lookupType("onnx.ModelProto");

const [FLOAT, INTEGER] = [1, 7];
const OPERATORS = 17;
const IR = 8;
const [TYPE_FLOAT, TYPE_INT, TYPE_INTS] = [1, 2, 7];

function attribute([name, value]) {
  if (Array.isArray(value)) return { name, ints: value, type: TYPE_INTS };
  return Number.isInteger(value) ? { name, i: value, type: TYPE_INT } : { name, f: value, type: TYPE_FLOAT };
}

/** A graph that grows by a layer a call; every call gives the name of what it computes. */
function graph(tensors) {
  const [node, initializer] = [[], []];
  const add = (op_type, input, attributes = {}) => {
    const output = `${op_type}_${node.length}`;
    node.push({ op_type, input, output: [output], attribute: Object.entries(attributes).map(attribute) });
    return output;
  };
  const constant = (name, dims, values, data_type = FLOAT) => {
    const raw_data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    initializer.push({ name, dims, data_type, raw_data });
    return name;
  };
  /** A tensor of the weights, as it is or in another shape. */
  const weights = (name, shape = tensors[name].shape) => constant(name, shape, tensors[name].values);
  const relu = (input) => add("Relu", [input]);
  const convolution = (input, name, pads, shape = tensors[`${name}.weight`].shape) => {
    const kernel = [weights(`${name}.weight`, shape), weights(`${name}.bias`)];
    return relu(add("Conv", [input, ...kernel], { kernel_shape: shape.slice(2), pads }));
  };
  /** A convolution over `[windows, rows, 1, frames]`, that gives as many frames. */
  const overTime = (input, name) => {
    const [channels, rows, long] = tensors[`${name}.weight`].shape;
    const pads = [0, (long - 1) >> 1, 0, long >> 1];
    const missing = -rows & 3;
    if (!missing) return convolution(input, name, pads, [channels, rows, 1, long]);
    // The webgpu provider of version 1.30 answers wrongly if the rows are no multiple of four, so there are rows of zeros.
    const values = new Float32Array(channels * (rows + missing) * long);
    const { values: own } = tensors[`${name}.weight`];
    for (let at = 0; at < channels; at += 1) {
      values.set(own.subarray(at * rows * long, (at + 1) * rows * long), at * (rows + missing) * long);
    }
    const shape = [channels, rows + missing, 1, long];
    const kernel = constant(`${name}.weight`, shape, values);
    const amounts = constant(`${name}.rows`, [8], new BigInt64Array([0n, 0n, 0n, 0n, 0n, BigInt(missing), 0n, 0n]), INTEGER);
    const padded = add("Pad", [input, amounts]);
    return relu(add("Conv", [padded, kernel, weights(`${name}.bias`)], { kernel_shape: shape.slice(2), pads }));
  };
  const dense = (input, name) => add("Gemm", [input, weights(`${name}.weight`), weights(`${name}.bias`)]);
  const norm = (input, name) => {
    const statistics = ["gamma", "beta", "running_mean", "running_var"].map((part) => weights(`${name}.${part}`));
    return add("BatchNormalization", [input, ...statistics], { epsilon: 1e-3 });
  };
  const value = (name, dims) => {
    const dim = [{ dim_param: "windows" }, ...dims.map((dim_value) => ({ dim_value }))];
    return { name, type: { tensor_type: { elem_type: FLOAT, shape: { dim } } } };
  };
  const bytes = (input, output) => {
    const whole = { name: "network", node, initializer, input: [value(...input)], output: [value(...output)] };
    return Buffer.from(ModelProto.encode({ ir_version: IR, opset_import: [{ version: OPERATORS }], graph: whole }).finish());
  };
  return { add, relu, convolution, overTime, dense, norm, bytes };
}

/** net1: `[windows, bands, frames]` to the probabilities of genres. */
function net1({ add, relu, convolution, dense, bytes }, { bands, frames, labels }) {
  const c1 = convolution("input", "c1", [0, 0]);
  const c2 = convolution(c1, "c2", [1, 2]);
  const [c3, c4] = ["c3", "c4"].map((name) => convolution(c2, name, [1, 2]));
  const [max, mean] = ["GlobalMaxPool", "GlobalAveragePool"].map((pool) => (input) => add(pool, [input]));
  const pooled = add("Flatten", [add("Concat", [max(c1), mean(c2), max(c3), mean(c4)], { axis: 1 })]);
  const logits = dense(relu(dense(relu(dense(pooled, "d1")), "d2")), "d3");
  return bytes(["input", [bands, frames]], [add("Softmax", [logits], { axis: 1 }), [labels.length]]);
}

/** MusiCNN: `[windows, 1, bands, frames]` to the probabilities of tags. */
function musicnn({ add, relu, convolution, overTime, dense, norm, bytes }, { bands, frames, labels }, tensors) {
  const input = norm("input", "input_norm");
  const front = ["timbre_low", "timbre_high", "rhythm_long", "rhythm_middle", "rhythm_short"].map((name) => {
    const [, , tall, long] = tensors[`${name}.convolution.weight`].shape;
    const padded = [0, (long - 1) >> 1, 0, long >> 1];
    const found = norm(convolution(input, `${name}.convolution`, padded), `${name}.norm`);
    return add("MaxPool", [found], { kernel_shape: [bands - tall + 1, 1] });
  });
  const middle = (input, name) => norm(overTime(input, `${name}.convolution`), `${name}.norm`);
  const whole = add("Concat", front, { axis: 1 });
  const first = middle(whole, "middle_1");
  const second = add("Add", [middle(first, "middle_2"), first]);
  const third = add("Add", [middle(second, "middle_3"), second]);
  const all = add("Concat", [whole, first, second, third], { axis: 1 });
  // Interleaved: each channel's maximum, then its mean.
  const pools = ["GlobalMaxPool", "GlobalAveragePool"].map((pool) => add(pool, [all]));
  const pooled = norm(add("Flatten", [add("Concat", pools, { axis: 3 })]), "pooled_norm");
  const features = norm(relu(dense(pooled, "dense")), "dense_norm");
  const output = add("Sigmoid", [dense(features, "output")]);
  return bytes(["input", [1, bands, frames]], [output, [labels.length]]);
}

const WRITERS = { net1, "musicnn-mtt": musicnn };

/** The model of a network's card and its tensors, as the bytes of a file. */
export function onnxModel(card, tensors) {
  return WRITERS[card.architecture](graph(tensors), card, tensors);
}
