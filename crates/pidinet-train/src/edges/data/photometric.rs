//! Changes of colour, sharpness and noise. Colours are `[3, h, w]` in `[0, 255]`.

use rand::RngExt;
use rand::rngs::ChaCha12Rng;

use crate::edges::config::Augment;

/// Changes the colours as `augment` says. The same random numbers are drawn for the same fields, whatever
/// happens.
pub(super) fn change(augment: &Augment, rng: &mut ChaCha12Rng, colours: &mut [f32], width: usize) {
    let mut about_one = |range: f32| 1.0 + range * rng.random_range(-1.0..=1.0_f32);
    let [brightness, contrast, saturation] = [(); 3].map(|()| about_one(augment.colour));
    let power = (augment.gamma.ln_1p() * rng.random_range(-1.0..=1.0_f32)).exp();
    if augment.colour > 0.0 {
        shade(colours, brightness, contrast, saturation);
    }
    if augment.gamma > 0.0 {
        let table: [f32; 256] = std::array::from_fn(|i| 255.0 * (i as f32 / 255.0).powf(power));
        for value in colours.iter_mut() {
            let at = value.clamp(0.0, 255.0);
            let low = (at as usize).min(254);
            *value = table[low] + (at - low as f32) * (table[low + 1] - table[low]);
        }
    }
    let blurred = rng.random::<f32>() < augment.blur;
    let sigma = rng.random_range(0.4..1.2_f32);
    if blurred {
        blur(colours, width, sigma);
    }
    let noisy = rng.random::<f32>() < augment.noise;
    let strength = rng.random_range(1.0..8.0_f32);
    if noisy {
        for value in colours.iter_mut() {
            // A sum of four uniform numbers is close to normal; its deviation is 2/√3.
            let normal: f32 = (0..4).map(|_| rng.random_range(-1.0..1.0_f32)).sum::<f32>() * 0.866;
            *value += strength * normal;
        }
    }
    let compressed = rng.random::<f32>() < augment.jpeg;
    let quality = rng.random_range(30..90);
    for value in colours.iter_mut() {
        *value = value.clamp(0.0, 255.0);
    }
    if compressed {
        jpeg(colours, width, quality);
    }
}

fn shade(colours: &mut [f32], brightness: f32, contrast: f32, saturation: f32) {
    let area = colours.len() / 3;
    let mean = colours.iter().sum::<f32>() / colours.len() as f32;
    for at in 0..area {
        let pixel = [colours[at], colours[area + at], colours[2 * area + at]];
        let grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
        for (c, value) in pixel.into_iter().enumerate() {
            let value = grey + saturation * (value - grey);
            colours[c * area + at] = (brightness * (mean + contrast * (value - mean))).clamp(0.0, 255.0);
        }
    }
}

/// Gaussian blur with a deviation of `sigma` pixels; edge pixels are repeated.
fn blur(colours: &mut [f32], width: usize, sigma: f32) {
    let radius = 3;
    let weights: Vec<f32> = (-radius..=radius).map(|d| (-0.5 * (d as f32 / sigma).powi(2)).exp()).collect();
    let total: f32 = weights.iter().sum();
    let height = colours.len() / 3 / width;
    for plane in colours.chunks_exact_mut(width * height) {
        for (dx, dy) in [(1, 0), (0, 1)] {
            let src = plane.to_vec();
            for (at, value) in plane.iter_mut().enumerate() {
                let (x, y) = ((at % width) as i64, (at / width) as i64);
                let term = |(weight, d): (&f32, i64)| {
                    let x = (x + d * dx).clamp(0, width as i64 - 1) as usize;
                    let y = (y + d * dy).clamp(0, height as i64 - 1) as usize;
                    weight * src[y * width + x]
                };
                *value = weights.iter().zip(-radius as i64..).map(term).sum::<f32>() / total;
            }
        }
    }
}

fn jpeg(colours: &mut [f32], width: usize, quality: u8) {
    let area = colours.len() / 3;
    let bytes: Vec<u8> = (0..3 * area).map(|i| (colours[(i % 3) * area + i / 3] + 0.5) as u8).collect();
    let mut file = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality);
    let (columns, rows) = (width as u32, (area / width) as u32);
    // Images of sizes that JPEG does not support stay unchanged.
    let encoded =
        image::ImageEncoder::write_image(encoder, &bytes, columns, rows, image::ExtendedColorType::Rgb8);
    let decoded = encoded.and_then(|()| image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg));
    if let Ok(decoded) = decoded {
        for (i, value) in decoded.to_rgb8().into_raw().into_iter().enumerate() {
            colours[(i % 3) * area + i / 3] = f32::from(value);
        }
    }
}
