// A convolution with bias and ReLU. An invocation computes four channels of four positions, so that each value that it
// loads is used four times. Positions are counted over the batch, the rows and the columns of the output.
//
// Inputs and outputs are [batch, rows, columns, channels], weights [kernel rows, kernel columns, channels in, channels
// out]. What the program is for stands before it as constants: BATCH, IN (rows, columns), KERNEL, STRIDE, BEFORE (the
// padding), OUT, STEPS (of input channels, one or four each), GROUPS (of four output channels), WEIGHTS_A_STEP (vectors),
// INVOCATIONS and PADDED; and with them `Input`, what is loaded of a position in a step, and `weights_at`, the weights for a step.

@group(0) @binding(0) var<storage, read> input: array<Input>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;

const POSITIONS: u32 = BATCH * OUT.x * OUT.y;

// Where the kernel's first row and column lie for a position; z is the first place of its window in the batch.
fn place(position: u32) -> vec3<i32> {
  // Those beyond the last compute it once more, and are not written.
  let at = min(position, POSITIONS - 1u);
  let row = i32(at / OUT.y % OUT.x * STRIDE.x) - BEFORE.x;
  let column = i32(at % OUT.y * STRIDE.y) - BEFORE.y;
  return vec3<i32>(row, column, i32(at / (OUT.x * OUT.y)) * IN.x * IN.y);
}

fn is_inside(place: vec3<i32>, row: i32, column: i32) -> bool {
  let at = place.xy + vec2<i32>(row, column);
  return !PADDED || (all(at >= vec2<i32>(0)) && all(at < IN));
}

fn address(place: vec3<i32>, row: i32, column: i32) -> u32 {
  return u32(place.z + (place.x + row) * IN.y + place.y + column) * STEPS;
}

fn write(position: u32, group: u32, sum: vec4<f32>) {
  if (position < POSITIONS) {
    // NaN stays: it must be found.
    output[position * GROUPS + group] = select(sum, vec4<f32>(), sum < vec4<f32>());
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>) {
  let invocation = id.x + id.y * workgroups.x * 64u;
  if (invocation >= INVOCATIONS) {
    return;
  }
  // Neighbours share positions, and read and write channels side by side.
  let group = invocation % GROUPS;
  let first = invocation / GROUPS * 4u;
  let place0 = place(first);
  let place1 = place(first + 1u);
  let place2 = place(first + 2u);
  let place3 = place(first + 3u);
  var sum0 = bias[group];
  var sum1 = sum0;
  var sum2 = sum0;
  var sum3 = sum0;
  var at = group;
  for (var row = 0; row < KERNEL.x; row++) {
    for (var column = 0; column < KERNEL.y; column++) {
      let inside0 = is_inside(place0, row, column);
      let inside1 = is_inside(place1, row, column);
      let inside2 = is_inside(place2, row, column);
      let inside3 = is_inside(place3, row, column);
      let address0 = select(0u, address(place0, row, column), inside0);
      let address1 = select(0u, address(place1, row, column), inside1);
      let address2 = select(0u, address(place2, row, column), inside2);
      let address3 = select(0u, address(place3, row, column), inside3);
      for (var step = 0u; step < STEPS; step++) {
        let step_weights = weights_at(at);
        at += WEIGHTS_A_STEP;
        sum0 += step_weights * select(Input(), input[address0 + step], inside0);
        sum1 += step_weights * select(Input(), input[address1 + step], inside1);
        sum2 += step_weights * select(Input(), input[address2 + step], inside2);
        sum3 += step_weights * select(Input(), input[address3 + step], inside3);
      }
    }
  }
  write(first, group, sum0);
  write(first + 1u, group, sum1);
  write(first + 2u, group, sum2);
  write(first + 3u, group, sum3);
}
