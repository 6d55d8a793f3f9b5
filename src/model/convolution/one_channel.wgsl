alias Input = f32;

fn weights_at(at: u32) -> vec4<f32> {
  return weights[at];
}

