//! With the ffmpeg in `PATH`, or that of `UNDERSTUDY_FFMPEG`; skipped where there is none, but not in CI.

use super::*;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use understudy_compare::PartDifference;

/// A folder with an ffmpeg that reads what another one made.
struct Lab {
    folder: tempfile::TempDir,
    program: String,
    reader: Reader,
}

fn lab() -> Option<Lab> {
    let program = std::env::var("UNDERSTUDY_FFMPEG").unwrap_or_else(|_| "ffmpeg".to_owned());
    if let Err(why) = ffmpeg::check(&program, &[Metric::Psnr, Metric::Ssim]) {
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let ffmpeg = Ffmpeg::new(program.clone(), place, Arc::new(AtomicBool::new(false)));
    Some(Lab {
        folder,
        program,
        reader: Reader::new(ffmpeg),
    })
}

impl Lab {
    /// What ffmpeg makes of these arguments, as the part of an answer.
    fn made(&self, name: &str, args: &str) -> Part {
        let path = self.folder.path().join(name);
        let mut command = Command::new(&self.program);
        command.args(["-nostdin", "-v", "error", "-y"]);
        command.args(args.split_whitespace()).arg(&path);
        assert!(
            command
                .current_dir(&self.folder)
                .status()
                .unwrap()
                .success(),
            "{args}"
        );
        let bytes = std::fs::read(&path).unwrap();
        part(name, bytes)
    }

    fn differences(&self, a: &Part, b: &Part) -> Vec<PartDifference> {
        match self.reader.compare(a, b) {
            Content::Same => Vec::new(),
            Content::Different(all) => all,
            Content::NotCompared(why) => panic!("{why}"),
        }
    }

    fn places(&self, a: &Part, b: &Part) -> Vec<String> {
        let all = self.differences(a, b).into_iter();
        all.map(|one| one.aspect).collect()
    }
}

fn part(name: &str, bytes: Vec<u8>) -> Part {
    let ending = name.rsplit('.').next().unwrap_or_default();
    Part {
        name: format!("file:{name}"),
        media: format!("{}; type={ending}", plain::MEDIA),
        bytes,
        truncated: false,
        digest: String::new(),
    }
}

const CLIP: &str = "-f lavfi -i testsrc2=size=160x120:rate=25 -frames:v 25 -pix_fmt yuv420p";

#[test]
fn what_is_encoded_without_loss_is_the_same_in_another_container() {
    let Some(lab) = lab() else { return };
    let raw = lab.made("clip.y4m", CLIP);
    let coded = lab.made("clip.mkv", "-i clip.y4m -c:v ffv1 -fflags +bitexact");
    assert_ne!(raw.bytes, coded.bytes);
    assert_eq!(lab.places(&raw, &coded), Vec::<String>::new());
    let again = lab.made("again.nut", "-i clip.mkv -c:v rawvideo");
    assert_eq!(lab.places(&raw, &again), Vec::<String>::new());
}

#[test]
fn a_dropped_and_a_changed_frame_are_found() {
    let Some(lab) = lab() else { return };
    let raw = lab.made("clip.y4m", CLIP);
    let drop = "-i clip.y4m -vf select=not(eq(n\\,17)),setpts=N/25/TB";
    let all = lab.differences(&raw, &lab.made("drop.y4m", drop));
    let shown = |one: &PartDifference| (one.aspect.clone(), one.contender.clone());
    assert_eq!(
        all.iter().map(shown).collect::<Vec<_>>(),
        [
            ("stream 0;frames".to_owned(), Some("24 frames".to_owned())),
            ("stream 0;frame 17".to_owned(), None)
        ]
    );
    let change = "-i clip.y4m -vf drawbox=x=3:y=3:w=2:h=2:color=red:enable=eq(n\\,17)";
    assert_eq!(
        lab.places(&raw, &lab.made("change.y4m", change)),
        ["stream 0;frame 17"]
    );
    let slow = lab.made("slow.mkv", "-i clip.y4m -vf setpts=2*PTS -r 12.5 -c:v ffv1");
    assert_eq!(lab.places(&raw, &slow), ["stream 0;times"]);
}

#[test]
fn another_size_format_or_stream_is_found() {
    let Some(lab) = lab() else { return };
    let raw = lab.made("clip.y4m", CLIP);
    let small = lab.made("small.y4m", "-i clip.y4m -vf scale=80:60");
    assert_eq!(lab.places(&raw, &small), ["stream 0;size"]);
    let wide = lab.made("wide.y4m", "-i clip.y4m -pix_fmt yuv444p");
    assert!(
        lab.places(&raw, &wide)
            .contains(&"stream 0;pixel format".to_owned())
    );
    let tone = "-f lavfi -i sine=frequency=440:duration=1 -i clip.y4m -map 1:v -map 0:a -c:v ffv1 -c:a flac";
    assert_eq!(lab.places(&raw, &lab.made("tone.mkv", tone)), ["streams"]);
}

#[test]
fn sound_is_compared_by_sample_whatever_the_frames_of_its_codec_are() {
    let Some(lab) = lab() else { return };
    let made = |name: &str, args: &str| lab.made(name, args);
    let wav = made(
        "a.wav",
        "-f lavfi -i sine=frequency=440:duration=1 -c:a pcm_s16le",
    );
    let flac = made("a.flac", "-i a.wav -c:a flac");
    assert_eq!(lab.places(&wav, &flac), Vec::<String>::new());
    // 24 bits: the last eight of them are heard by no hash of 16.
    let fine = made("fine.wav", "-i a.wav -af volume=0.9999 -c:a pcm_s24le");
    let finer = made("finer.wav", "-i a.wav -af volume=0.99990001 -c:a pcm_s24le");
    let places = lab.places(&fine, &finer);
    assert!(fine.bytes == finer.bytes || !places.is_empty());
    let other = made(
        "b.wav",
        "-f lavfi -i sine=frequency=441:duration=1 -c:a pcm_s16le",
    );
    assert!(
        lab.places(&wav, &other)
            .iter()
            .any(|place| place.starts_with("stream 0;frame"))
    );
    let rate = made("c.wav", "-i a.wav -ar 22050");
    assert!(
        lab.places(&wav, &rate)
            .contains(&"stream 0;sample rate".to_owned())
    );
}

#[test]
fn what_is_not_media_or_leads_elsewhere_is_not_read() {
    let Some(lab) = lab() else { return };
    let raw = lab.made("clip.y4m", CLIP);
    let text = part("text.y4m", b"nothing of the kind".to_vec());
    assert_eq!(lab.places(&raw, &text), ["decoding"]);
    assert!(matches!(
        lab.reader.compare(&text, &raw),
        Content::NotCompared(_)
    ));
    let cut = part("cut.y4m", raw.bytes[..raw.bytes.len() / 2].to_vec());
    assert!(!lab.places(&raw, &cut).is_empty());
    // A playlist of a file that is there.
    let list = format!(
        "ffconcat version 1.0\nfile {}\n",
        lab.folder.path().join("clip.y4m").display()
    );
    let list = part("list.ffconcat", list.into_bytes());
    assert!(matches!(
        lab.reader.compare(&list, &raw),
        Content::NotCompared(_)
    ));
    let left = std::fs::read_dir(&lab.folder).unwrap().flatten();
    let folders = left.filter(|entry| entry.path().is_dir()).count();
    assert_eq!(folders, 0, "what was written to be read is removed");
}

#[test]
fn quality_falls_with_the_bits_and_a_wrong_reference_is_refused() {
    let Some(lab) = lab() else { return };
    let raw = lab.made("clip.y4m", CLIP);
    let reference = lab.folder.path().join("clip.y4m");
    let coded = |level: &str| lab.made("a.mkv", &format!("-i clip.y4m -c:v mpeg4 -q:v {level}"));
    let of = |part: &Part, metric| {
        let source = Source::Bytes(&part.bytes, ending(part));
        lab.reader.quality(metric, source, &reference)
    };
    let (fine, coarse) = (coded("2"), coded("20"));
    for metric in [Metric::Psnr, Metric::Ssim] {
        let (high, low) = (of(&fine, metric).unwrap(), of(&coarse, metric).unwrap());
        assert!(high > low + 1.0 && low > 5.0, "{metric:?}: {high} {low}");
    }
    assert!(
        of(&raw, Metric::Psnr)
            .unwrap_err()
            .contains("equal to the reference")
    );
}

#[test]
fn a_program_that_is_not_ffmpeg_is_refused_before_anything_starts() {
    for (program, said) in [
        ("/nonexistent/ffmpeg", "is not there"),
        ("true", "is not ffmpeg"),
        ("echo", "is not ffmpeg"),
    ] {
        let why = ffmpeg::check(program, &[]).unwrap_err();
        assert!(why.contains(said) && why.contains("\nhint: "), "{why}");
    }
}
