//! Blocks with a projection and products of int16, with every instruction set this CPU has, against blocks of
//! floats. The bounds follow from the steps of values and weights.

#[path = "agree/maps.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod maps;

use maps::{Output, Rows, random, unfilled};
use pidinet_kernels::reference::Map;
use pidinet_kernels::rows::block::{self, Block, Shortcut};
use pidinet_kernels::rows::dense::DenseWeights;
use pidinet_kernels::rows::depthwise::DepthwiseWeights;
use pidinet_kernels::rows::packed::{ProjectingBlock, ProjectingWeights};
use pidinet_kernels::rows::row::{self, MARGIN};
use pidinet_kernels::{Format, Isa};

fn floats(map: &Map) -> Vec<f32> {
    map.data.iter().map(|&x| x as f32).collect()
}

/// Checks a row of a block whose input has values of up to `scale`.
fn check(inputs: usize, outputs: usize, width: usize, size: usize, scale: f64) {
    let src = random([inputs, 5, width], 61).map(|x| scale * x);
    let rows = Rows::new(&src, row::stride(width, 2));
    let window: Vec<_> = (0..size).map(|i| rows.at(2 + i as isize - size as isize / 2)).collect();
    let kernel = DepthwiseWeights::pack(&floats(&random([inputs, 1, size * size], 62)), inputs, size, 1);
    let matrix = floats(&random([outputs, 1, 2 * inputs], 63));
    let bias = floats(&random([1, 1, outputs], 64));
    let mut first: Option<Vec<u32>> = None;
    for isa in Isa::available() {
        let dense = DenseWeights::pack(isa, &matrix, &[inputs; 2], Some(&bias));
        let mut want = unfilled(outputs, width, 0);
        isa.run(Block {
            rows: &window,
            depthwise: &kernel,
            pointwise: &dense,
            shortcut: Shortcut::Projection,
            columns: 0..width,
            width,
            scratch: &mut vec![f32::NAN; block::scratch_len(inputs)],
            dst: want.row_mut(),
        });
        let weights = ProjectingWeights::pack(isa, &matrix, inputs, Some(&bias));
        let mut got = unfilled(outputs, width, 0);
        let kernel = ProjectingBlock {
            rows: &window,
            depthwise: &kernel,
            weights: &weights,
            columns: 0..width,
            width,
            scratch: &mut vec![f32::NAN; ProjectingBlock::scratch_len(inputs)],
            dst: got.row_mut(),
        };
        isa.run_packed(Format::Int16, kernel);
        // A depthwise sum has at most as many products as its window, with weights of up to 1.
        let greatest = scale * (size * size) as f64;
        for (o, row) in matrix.chunks_exact(2 * inputs).enumerate() {
            let sum: f64 = row.iter().map(|w| f64::from(w.abs())).sum();
            let room = f64::from(i32::MAX) / 4095.0 - row.len() as f64;
            let (value, weight) = (greatest / 4095.0, (1.0 / 32767.0f64).max(sum / room));
            let bound = 0.5 * value * sum
                + 0.5 * weight * (greatest + value) * row.len() as f64
                + 2.0 * (inputs + size * size) as f64 * f64::from(f32::EPSILON) * (greatest * sum + 1.0);
            for x in 0..width {
                let at = |row: &Output| f64::from(row.row().data[MARGIN + o * row::stride(width, 0) + x]);
                let (got, want) = (at(&got), at(&want));
                let name = format!("{isa}, {inputs} to {outputs}, column {x} of {width}");
                assert!((got - want).abs() <= bound, "{name}: {got}, not {want}");
            }
        }
        let bits: Vec<u32> = got.row().data.iter().map(|x| x.to_bits()).collect();
        // The last step is fused in AVX2, which rounds once, and not in portable code.
        if isa.packs(Format::Int16) {
            assert!(*first.get_or_insert_with(|| bits.clone()) == bits, "{isa}: other bits");
        }
    }
}

#[test]
fn a_projecting_block_is_near_that_of_floats() {
    for (inputs, outputs) in [(1, 1), (3, 4), (20, 40), (60, 120), (21, 5)] {
        check(inputs, outputs, 61, 3, 1.0);
    }
    for width in [1, 7, 8, 9, 15, 16, 17, 100, 500, 1025] {
        check(6, 8, width, 5, 40.0);
        check(40, 3, width, 3, 1e-5);
    }
}
