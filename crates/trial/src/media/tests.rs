//! With the ffmpeg in `PATH`, or that of `UNDERSTUDY_FFMPEG`; skipped where there is none, but not in CI.

use super::*;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use understudy_compare::{Fault, PartDifference};
use understudy_model::{Answer, Class, Status};

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

/// The faults that are put into an output, and where each is found.
fn planted(lab: &Lab, part: &Part) -> (Vec<(Fault, Vec<String>)>, Vec<String>) {
    let answer = Answer {
        status: Status {
            code: 0,
            class: Class::Ok,
        },
        fields: Vec::new(),
        parts: vec![part.clone()],
        unread: Vec::new(),
    };
    let mut found = Vec::new();
    let mut each = |fault: Fault, right: Answer, wrong: Answer| {
        found.push((fault, lab.places(&right.parts[0], &wrong.parts[0])));
        Ok(())
    };
    let mut done = std::collections::BTreeSet::new();
    let notes = plant(
        &lab.reader,
        &mut crate::subject::Planting {
            answer: &answer,
            done: &mut done,
            each: &mut each,
            watch: &|_| {},
        },
    );
    (found, notes.unwrap())
}

#[test]
fn planted_faults_are_real_and_each_is_found_where_it_is() {
    let Some(lab) = lab() else { return };
    lab.made("clip.y4m", CLIP);
    let film = "-i clip.y4m -f lavfi -i sine=frequency=440:duration=1 -c:v ffv1 -c:a flac";
    let (found, notes) = planted(&lab, &lab.made("film.mkv", film));
    assert_eq!(notes, Vec::<String>::new());
    let one = |place: &str| vec![place.to_owned()];
    let at = |fault: Fault| {
        let mut all = found.iter().filter(|(of, _)| *of == fault);
        all.next().map(|(_, places)| places.clone()).unwrap()
    };
    assert_eq!(found.len(), Fault::MEDIA.len(), "{found:?}");
    assert_eq!(
        at(Fault::FrameMissing),
        ["stream 0;frames", "stream 0;frame 12"]
    );
    assert_eq!(
        at(Fault::FrameDuplicated),
        ["stream 0;frames", "stream 0;frame 25"]
    );
    assert_eq!(
        at(Fault::FramesSwapped),
        ["stream 0;frame 12", "stream 0;frame 13"]
    );
    assert_eq!(at(Fault::BlockChanged), one("stream 0;frame 12"));
    assert_eq!(at(Fault::TimesChanged), one("stream 0;times"));
    assert_eq!(at(Fault::SizeChanged), one("stream 0;size"));
    assert_eq!(at(Fault::SoundMissing), one("streams"));
    let shifted = at(Fault::SoundShifted);
    assert!(shifted.len() > 40 && shifted.iter().all(|at| at.starts_with("stream 1;frame ")));
}

#[test]
fn faults_of_deep_pixels_pictures_and_sound_alone() {
    let Some(lab) = lab() else { return };
    let names = |name: &str, args: &str| -> Vec<&str> {
        let (found, notes) = planted(&lab, &lab.made(name, args));
        assert_eq!(notes, Vec::<String>::new(), "{name}");
        assert!(
            found.iter().all(|(_, places)| !places.is_empty()),
            "{found:?}"
        );
        found.iter().map(|(fault, _)| fault.name()).collect()
    };
    lab.made("clip.y4m", CLIP);
    let deep = names("deep.mkv", "-i clip.y4m -pix_fmt yuv420p10le -c:v ffv1");
    let of_video = [
        "frame_missing",
        "frame_duplicated",
        "frames_swapped",
        "block_changed",
        "times_changed",
        "size_changed",
    ];
    assert_eq!(deep, of_video);
    let picture = names("a.png", "-i clip.y4m -frames:v 1");
    assert_eq!(picture, ["block_changed", "size_changed"]);
    let tone = "-f lavfi -i sine=frequency=440:duration=1";
    assert_eq!(names("a.wav", tone), ["sound_shifted"]);
    // What changes nothing is no fault: a grey picture has no other block, and silence no earlier sound.
    let grey = names(
        "grey.png",
        "-f lavfi -i color=gray:s=64x64 -frames:v 1 -pix_fmt gray",
    );
    assert_eq!(grey, ["size_changed"]);
    let silence = "-f lavfi -i anullsrc=r=8000:cl=mono -t 1";
    assert_eq!(names("silence.wav", silence), Vec::<&str>::new());
}

/// Frames of encoders need not be equal: what is planted is what has to be found all the same.
#[test]
fn faults_of_encoders_are_those_of_count_time_and_size() {
    let Some(lab) = lab() else { return };
    lab.made("clip.y4m", CLIP);
    let mut part = lab.made("coded.mkv", "-i clip.y4m -c:v mpeg4 -fflags +bitexact");
    part.media = format!("{}; {ANY_FRAMES}", part.media);
    assert!(is_any_frames(&part));
    let (found, notes) = planted(&lab, &part);
    assert_eq!(notes, Vec::<String>::new());
    let found: Vec<(&str, Vec<String>)> = found
        .into_iter()
        .map(|(fault, places)| (fault.name(), places))
        .collect();
    let of = |places: &[&str]| places.iter().map(|place| (*place).to_owned()).collect();
    let at = |name: &'static str, place: &str| (name, of(&[place]));
    assert_eq!(
        found,
        [
            ("frame_missing", of(&["stream 0;frames", "stream 0;times"])),
            at("frame_duplicated", "stream 0;frames"),
            at("times_changed", "stream 0;times"),
            at("size_changed", "stream 0;size"),
        ]
    );
}
