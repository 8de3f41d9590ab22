//! Writes tokens as the text of an SVG file.

use super::{colours::Rgb, shown::Shown};
use crate::canvas::Corners;
use splatgraph_sdk::{Error, Result};
use std::fmt::Write;

/// The text of the whole file; `picture` is a PNG in base64.
pub(crate) fn svg(shown: &Shown, b: usize, colours: &[Rgb], picture: Option<&str>, ids: bool) -> Result<String> {
    let [width, height] = shown.header.canvas;
    let [area_x, area_y] = shown.area([width as usize, height as usize]);
    // -1 and 1 are the centres of the first and the last pixel.
    let x = |v: f32| (v + 1.0) / 2.0 * (area_x - 1.0) + 0.5;
    let y = |v: f32| (v + 1.0) / 2.0 * (area_y - 1.0) + 0.5;
    let energies = shown.energies(b)?;
    let mut text = String::new();
    let _ = writeln!(
        text,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<style>ellipse {{ vector-effect: non-scaling-stroke }} .one {{ fill-opacity: .1; stroke-width: 1.2 }} .two {{ fill: none; stroke-opacity: .35; stroke-width: .7 }} .token:hover .one {{ fill-opacity: .5 }} .region {{ fill: none; stroke: #fff; stroke-opacity: .25; stroke-width: .5 }} text {{ font: 4px sans-serif; fill: #fff; text-anchor: middle; dominant-baseline: central; pointer-events: none }}</style>
<rect width="{width}" height="{height}" fill="#121212"/>"##
    );
    if let Some(picture) = picture {
        let _ = writeln!(
            text,
            r#"<image width="{width}" height="{height}" opacity="0.8" preserveAspectRatio="none" style="image-rendering: pixelated" href="data:image/png;base64,{picture}"/>"#
        );
    }
    let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
    for [x0, y0, x1, y1] in shown.regions(b)?.iter().filter(|region: &&Corners| finite(*region)) {
        // From the edge of the first pixel to the edge of the last one.
        let (left, top, right, bottom) = (x(*x0) - 0.5, y(*y0) - 0.5, x(*x1) + 0.5, y(*y1) + 0.5);
        let (wide, high) = (right - left, bottom - top);
        let _ =
            writeln!(text, r#"<rect class="region" x="{left:.2}" y="{top:.2}" width="{wide:.2}" height="{high:.2}"/>"#);
    }
    for (index, (gaussian, colour)) in shown.gaussians(b)?.iter().zip(colours).enumerate() {
        let &[sigma_x, sigma_y, rho, at_x, at_y] = gaussian;
        // A splat gives these tokens no weight either.
        if !finite(gaussian) || sigma_x <= 0.0 || sigma_y <= 0.0 || rho.abs() >= 1.0 {
            continue;
        }
        let (cx, cy) = (x(at_x), y(at_y));
        let (sigma_x, sigma_y) = (sigma_x * (area_x - 1.0) / 2.0, sigma_y * (area_y - 1.0) / 2.0);
        let [long, short, angle] = axes(sigma_x, sigma_y, rho);
        let [red, green, blue] = colour.map(|v| (v * 255.0).round() as u8);
        let _ = write!(
            text,
            r##"<g class="token" stroke="#{red:02x}{green:02x}{blue:02x}" fill="#{red:02x}{green:02x}{blue:02x}" transform="translate({cx:.2} {cy:.2})"><title>token {index} at ({cx:.1}, {cy:.1}) px&#10;sigma {sigma_x:.2} x {sigma_y:.2} px, rho {rho:.3}"##
        );
        if let Some(energies) = &energies {
            let _ = write!(text, "&#10;texture energy {:.3}", energies[index]);
        }
        let _ = write!(
            text,
            r#"</title><ellipse class="one" rx="{long:.2}" ry="{short:.2}" transform="rotate({angle:.1})"/><ellipse class="two" rx="{:.2}" ry="{:.2}" transform="rotate({angle:.1})"/>"#,
            2.0 * long,
            2.0 * short
        );
        if ids {
            let _ = write!(text, r#"<text stroke="none">{index}</text>"#);
        }
        text.push_str("</g>\n");
    }
    text.push_str("</svg>\n");
    Ok(text)
}

/// The longer and the shorter half axis of the ellipse at one sigma, and the angle of the longer one in degrees, clockwise,
/// as y points down. The half axes are the roots of the covariance's eigenvalues; the longer one has the direction of the
/// first eigenvector.
fn axes(sigma_x: f32, sigma_y: f32, rho: f32) -> [f32; 3] {
    let [xx, yy, xy] = [sigma_x * sigma_x, sigma_y * sigma_y, rho * sigma_x * sigma_y].map(f64::from);
    let (mean, spread) = (f64::midpoint(xx, yy), ((xx - yy) / 2.0).hypot(xy));
    let angle = if spread > 0.0 { (2.0 * xy).atan2(xx - yy) / 2.0 } else { 0.0 };
    [(mean + spread).sqrt() as f32, (mean - spread).max(0.0).sqrt() as f32, angle.to_degrees() as f32]
}

/// A picture `[H, W, 3]` as a PNG in base64.
pub(crate) fn png_of(values: &[f32], width: usize, height: usize) -> Result<String> {
    let bytes: Vec<u8> = values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, u32::try_from(width)?, u32::try_from(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&bytes)?;
        writer.finish()
    });
    written.map_err(|e| {
        Error::input("image", format!("expected a picture that fits into a PNG, got {width} x {height} pixels ({e})"))
    })?;
    Ok(base64(&file))
}

/// Base64 by RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= three.len() { letter.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_equals_the_examples_of_the_rfc() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn axes_equal_the_eigenvectors_of_the_covariance() {
        let near = |found: [f32; 3], expected: [f32; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?} {expected:?}");
        };
        near(axes(3.0, 2.0, 0.0), [3.0, 2.0, 0.0]);
        near(axes(2.0, 3.0, 0.0), [3.0, 2.0, 90.0]);
        near(axes(2.0, 2.0, 0.0), [2.0, 2.0, 0.0]);
        // With equal sigmas the eigenvalues are sigma^2 (1 +- rho), and the longer axis points to (1, 1) or (1, -1).
        near(axes(2.0, 2.0, 0.5), [6.0f32.sqrt(), 2.0f32.sqrt(), 45.0]);
        near(axes(2.0, 2.0, -0.5), [6.0f32.sqrt(), 2.0f32.sqrt(), -45.0]);
    }
}
