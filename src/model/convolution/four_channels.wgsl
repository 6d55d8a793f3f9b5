alias Input = vec4<f32>;

// A column for each of four input channels.
fn weights_at(at: u32) -> mat4x4<f32> {
  return mat4x4<f32>(weights[at], weights[at + GROUPS], weights[at + 2u * GROUPS], weights[at + 3u * GROUPS]);
}

