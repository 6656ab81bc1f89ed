//! The `cutout` photo set for tests and benchmarks, from the stamps of Tux Paint (GPL-2+, so it is fetched, not kept).

use std::collections::HashMap;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image::imageops::{self, FilterType};
use image::{Rgba, RgbaImage, codecs::jpeg::JpegEncoder};

use crate::stamp::{self, Stamp};
use crate::step::{find_program, process, run, say};
use crate::{apt, layout};

/// The list of the set: source, label, group, split.
pub const LIST: &str = "tests/data/cutout.csv";
/// Debian's package of stamps.
const PACKAGE: &str = "tuxpaint-stamps-default";
/// Where it, and Tux Paint on other systems, puts them.
const INSTALLED: &str = "usr/share/tuxpaint/stamps";

/// Longest side of a photo in pixels.
const SIDE: u32 = 320;
/// A pixel is visible above this alpha.
const VISIBLE: u8 = 32;
const JPEG_QUALITY: u8 = 92;

/// Where the set lies unless another folder is asked for.
///
/// # Errors
/// When there is no cache.
pub fn folder() -> Result<PathBuf> {
    Ok(layout::cache()?.join("photos").join("cutout"))
}

/// Lays the set out as `OUT/{train,test}/<label>/NNN.jpg`, unless it is there.
///
/// # Errors
/// When the stamps cannot be had or a photo cannot be made.
pub fn set_up(out: &Path) -> Result<()> {
    let list = layout::root().join(LIST);
    let stamp = Stamp::default().file(&list)?.value(format!("{SIDE} {VISIBLE} {JPEG_QUALITY}")).text();
    let stamp_file = out.join(".stamp");
    if stamp::is_current(&stamp_file, &stamp) {
        return Ok(());
    }
    let stamps = find_stamps()?;
    say(format_args!("lay out the photos in {}", out.display()));
    let mut counts = HashMap::<(String, String), usize>::new();
    for row in csv::Reader::from_path(&list)?.deserialize() {
        let row: HashMap<String, String> = row?;
        let field =
            |name: &str| row.get(name).cloned().with_context(|| format!("{LIST} has no column {name}"));
        let (source, label, set) = (stamps.join(field("source")?), field("label")?, field("set")?);
        let number = counts.entry((set.clone(), label.clone())).or_default();
        *number += 1;
        let photo = out.join(set).join(label).join(format!("{number:03}.jpg"));
        lay_out(&source, &photo).with_context(|| format!("cannot make a photo of {}", source.display()))?;
    }
    fs::write(&stamp_file, stamp).with_context(|| format!("cannot write {}", stamp_file.display()))
}

fn find_stamps() -> Result<PathBuf> {
    let cached = layout::cache()?.join("tuxpaint-stamps");
    let unpacked = cached.join(INSTALLED);
    let installed = Path::new("/").join(INSTALLED);
    if installed.is_dir() {
        return Ok(installed);
    }
    if !unpacked.is_dir() {
        if find_program("apt-get").is_none() || find_program("dpkg-deb").is_none() {
            bail!(
                "no photos: install Tux Paint's stamps (https://tuxpaint.org/download) so that /{INSTALLED} is there"
            );
        }
        fetch(&cached)?;
    }
    Ok(unpacked)
}

/// Fetches Debian's package and unpacks it without installing it.
fn fetch(folder: &Path) -> Result<()> {
    say(format_args!("apt-get download {PACKAGE}"));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut download = process("apt-get");
    download.args(["--quiet", "download", PACKAGE]).current_dir(folder);
    if run(&mut download).is_err() {
        apt::update()?;
        run(&mut download)?;
    }
    let archive = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get left no package")?;
    run(process("dpkg-deb").arg("--extract").arg(&archive).arg(folder))?;
    fs::remove_file(archive).context("cannot remove the package")
}

/// Crops a stamp to what is visible of it, lays it on a white square with a margin of 5% and writes it as JPEG.
fn lay_out(source: &Path, photo: &Path) -> Result<()> {
    let square = on_square(crop_to_visible(&image::open(source)?.to_rgba8()));
    let side = square.width().min(SIDE);
    let small = imageops::resize(&square, side, side, FilterType::Lanczos3);
    let small = image::DynamicImage::from(small).to_rgb8();
    if let Some(folder) = photo.parent() {
        fs::create_dir_all(folder)?;
    }
    small.write_with_encoder(JpegEncoder::new_with_quality(
        BufWriter::new(fs::File::create(photo)?),
        JPEG_QUALITY,
    ))?;
    Ok(())
}

fn crop_to_visible(image: &RgbaImage) -> RgbaImage {
    let visible = image.enumerate_pixels().filter(|(_, _, pixel)| pixel[3] > VISIBLE);
    let bounds = visible.fold(None, |bounds, (x, y, _)| {
        let (left, top, right, bottom) = bounds.unwrap_or((x, y, x, y));
        Some((left.min(x), top.min(y), right.max(x), bottom.max(y)))
    });
    match bounds {
        None => image.clone(),
        Some((left, top, right, bottom)) => {
            imageops::crop_imm(image, left, top, right - left + 1, bottom - top + 1).to_image()
        }
    }
}

fn on_square(image: RgbaImage) -> RgbaImage {
    let longest = image.width().max(image.height());
    let side = longest + longest / 10 + 1;
    let mut square = RgbaImage::from_pixel(side, side, Rgba([255; 4]));
    let (left, top) = ((side - image.width()) / 2, (side - image.height()) / 2);
    imageops::overlay(&mut square, &image, left.into(), top.into());
    square
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_cropped_and_centred() {
        let mut stamp = RgbaImage::from_pixel(60, 40, Rgba([9, 9, 9, VISIBLE]));
        for (x, y) in [(10, 5), (29, 24)] {
            stamp.put_pixel(x, y, Rgba([200, 0, 0, 255]));
        }
        let cropped = crop_to_visible(&stamp);
        assert_eq!(cropped.dimensions(), (20, 20));
        let square = on_square(cropped);
        assert_eq!(square.dimensions(), (23, 23));
        assert_eq!(square.get_pixel(0, 0), &Rgba([255; 4]));
        assert_eq!(square.get_pixel(1, 1), &Rgba([200, 0, 0, 255]));
        assert_eq!(square.get_pixel(20, 20), &Rgba([200, 0, 0, 255]));
    }

    #[test]
    fn an_invisible_stamp_stays_whole() {
        let stamp = RgbaImage::from_pixel(7, 3, Rgba([0; 4]));
        assert_eq!(crop_to_visible(&stamp).dimensions(), (7, 3));
    }

    #[test]
    fn photos_are_jpegs_of_at_most_the_side() {
        let folder = tempfile::tempdir().unwrap();
        let (source, photo) = (folder.path().join("a.png"), folder.path().join("train/a/001.jpg"));
        RgbaImage::from_pixel(700, 300, Rgba([0, 90, 0, 255])).save(&source).unwrap();
        lay_out(&source, &photo).unwrap();
        let read = image::open(&photo).unwrap();
        assert_eq!((read.width(), read.height()), (SIDE, SIDE));
    }
}
