use super::*;
use proptest::prelude::*;
use understudy_model::quality::Metric;

/// Frames of video with these contents, one each 40 ms.
fn hashes(contents: &[u8]) -> String {
    let mut text = String::from(
        "#format: frame checksums\n#version: 2\n#hash: SHA256\n#software: Lavf60.16.100\n#tb 0: 1/25\n\
         #media_type 0: video\n#codec_id 0: rawvideo\n#dimensions 0: 320x180\n#sar 0: 1/1\n\
         #stream#, dts,        pts, duration,     size, hash\n",
    );
    for (at, content) in contents.iter().enumerate() {
        text += &format!(
            "0, {at:10}, {at:10}, {:8}, {:8}, {content:064x}\n",
            1, 86400
        );
    }
    text
}

const LOG: &str = "[info] Input #0, ivf, from 'file:a.ivf':\n\
    [info]   Stream #0:0: Video: av1 (libdav1d) (Main), yuv420p10le(pc), 640x360, 25 fps\n\
    [info] Output #0, framehash, to 'hashes':\n\
    [info]   Stream #0:0(und): Video: rawvideo (I420 / 0x30323449), yuv420p(tv, bt709, progressive), 320x180 [SAR 1:1 DAR 16:9], q=2-31\n";

fn video(contents: &[u8]) -> Media {
    Media::read(&hashes(contents), LOG).unwrap()
}

/// Place, baseline and contender of each difference.
fn found(a: &Media, b: &Media, frames: Frames) -> Vec<(String, String, String)> {
    let found = compare(a, b, frames, 5000).unwrap();
    let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let one = |one: PartDifference| (one.aspect, shown(one.baseline), shown(one.contender));
    found.into_iter().map(one).collect()
}

fn places(a: &Media, b: &Media) -> Vec<String> {
    let found = found(a, b, Frames::Exact).into_iter();
    found.map(|(place, ..)| place).collect()
}

#[test]
fn a_file_is_read_as_streams_of_frames() {
    let media = video(&[7, 8]);
    let [stream] = media.streams.as_slice() else {
        panic!("one stream: {media:?}");
    };
    assert_eq!(stream.kind, "video");
    let properties: Vec<_> = stream.properties.iter().collect();
    let property = |name: &str| stream.properties.get(name).map(String::as_str);
    assert_eq!(properties.len(), 4, "{properties:?}");
    assert_eq!(property("size"), Some("320x180"));
    assert_eq!(property("aspect"), Some("1/1"));
    assert_eq!(property("pixel format"), Some("yuv420p"), "of the output");
    assert_eq!(property("colour"), Some("bt709"));
    assert_eq!(stream.frames[1].at_ns, Some(40_000_000));
    assert_eq!(media.fault, None);
}

#[test]
fn the_same_frames_are_the_same_and_a_changed_one_is_named() {
    let contents: Vec<u8> = (0..50).collect();
    let a = video(&contents);
    assert_eq!(compare(&a, &a, Frames::Exact, 5000), Ok(Vec::new()));
    let mut changed = contents.clone();
    changed[17] = 99;
    let b = video(&changed);
    let all = compare(&a, &b, Frames::Exact, 5000).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].aspect, "stream 0;frame 17");
    assert_eq!(
        (all[0].pattern.as_str(), all[0].bytes),
        ("stream 0;frame", 100)
    );
    assert_eq!(compare(&a, &b, Frames::Any, 5000), Ok(Vec::new()));
}

#[test]
fn a_dropped_frame_is_a_count_and_the_frame_that_is_missing() {
    let contents: Vec<u8> = (0..50).collect();
    let mut dropped = contents.clone();
    dropped.remove(17);
    let (a, b) = (video(&contents), video(&dropped));
    let all = found(&a, &b, Frames::Exact);
    assert_eq!(all.len(), 2, "{all:?}");
    let of = |place: &str, a: &str, b: &str| (place.to_owned(), a.to_owned(), b.to_owned());
    assert_eq!(all[0], of("stream 0;frames", "50 frames", "49 frames"));
    assert_eq!(
        (all[1].0.as_str(), all[1].2.as_str()),
        ("stream 0;frame 17", "-")
    );
    let back = found(&b, &a, Frames::Exact);
    assert_eq!(
        (back[1].0.as_str(), back[1].1.as_str()),
        ("stream 0;frame 17", "-")
    );
    assert_eq!(found(&a, &b, Frames::Any), all[..1]);
    // Dropped at the end, and all.
    assert_eq!(
        places(&a, &video(&contents[..49])),
        ["stream 0;frames", "stream 0;frame 49"]
    );
    let none = places(&video(&[1]), &video(&[]));
    assert_eq!(none, ["stream 0;frames", "stream 0;frame 0"]);
    // Dropped and changed: where they part.
    let mut both = contents[..49].to_vec();
    both[3] = 99;
    both[30] = 98;
    assert_eq!(
        places(&a, &video(&both)),
        ["stream 0;frames", "stream 0;frame 3"]
    );
}

#[test]
fn times_are_compared_to_the_millisecond() {
    let a = video(&[1, 2, 3]);
    // The same in units of Matroska, and late by one frame from the second on.
    let with = |times: [i64; 3]| {
        let text = hashes(&[]).replace("#tb 0: 1/25", "#tb 0: 1/1000");
        let line = |(at, time): (usize, &i64)| format!("0, 0, {time}, 1, 86400, {:064x}\n", at + 1);
        let lines: String = times.iter().enumerate().map(line).collect();
        Media::read(&(text + &lines), LOG).unwrap()
    };
    assert_eq!(found(&a, &with([0, 40, 81]), Frames::Exact), []);
    let late = found(&a, &with([0, 80, 120]), Frames::Any);
    let expected = (
        "stream 0;times".to_owned(),
        "frame 1 at 0.040 s".to_owned(),
        "frame 1 at 0.080 s, and 1 more at other times".to_owned(),
    );
    assert_eq!(late, [expected]);
    let unknown = with([0, 40, i64::MIN]);
    assert_eq!(places(&a, &unknown), ["stream 0;times"]);
}

#[test]
fn size_format_colour_kind_and_streams_are_compared() {
    let a = video(&[1, 2]);
    let read = |hashes: String, log: &str| Media::read(&hashes, log).unwrap();
    let size = read(hashes(&[3, 4]).replace("320x180", "176x144"), LOG);
    assert_eq!(places(&a, &size), ["stream 0;size"], "and not each frame");
    let format = read(hashes(&[1, 2]), &LOG.replace("yuv420p(tv", "nv12(tv"));
    assert_eq!(places(&a, &format), ["stream 0;pixel format"]);
    let colour = read(
        hashes(&[1, 2]),
        &LOG.replace("yuv420p(tv, bt709, progressive)", "yuv420p"),
    );
    assert_eq!(places(&a, &colour), ["stream 0;colour"]);
    // Limited is what a range is that is not given; full is another one.
    let limited = read(hashes(&[1, 2]), &LOG.replace("tv, ", ""));
    assert_eq!(places(&a, &limited), Vec::<String>::new());
    let full = read(hashes(&[1, 2]), &LOG.replace("tv, ", "pc, "));
    assert_eq!(places(&a, &full), ["stream 0;colour"]);
    let interlaced = read(hashes(&[1, 2]), &LOG.replace("progressive", "top first"));
    assert_eq!(places(&a, &interlaced), Vec::<String>::new());
    let sound = "#tb 1: 1/44100\n#media_type 1: audio\n#codec_id 1: pcm_f64le\n#sample_rate 1: 44100\n\
        #channel_layout_name 1: stereo\n1, 0, 0, 1024, 16384, ab\n";
    let with_sound = |sound: &str| read(hashes(&[1, 2]) + sound, LOG);
    assert_eq!(places(&a, &with_sound(sound)), ["streams"]);
    let mono = with_sound(&sound.replace("stereo", "mono"));
    assert_eq!(places(&with_sound(sound), &mono), ["stream 1;channels"]);
    let kind = read(hashes(&[1, 2]).replace("video", "audio"), LOG);
    assert_eq!(places(&a, &kind), ["stream 0;kind"]);
    // An unknown shape of pixels is the square one.
    let aspect = read(hashes(&[1, 2]).replace("0: 1/1", "0: 0/1"), LOG);
    assert_eq!(places(&a, &aspect), Vec::<String>::new());
}

#[test]
fn what_is_not_decoded_without_an_error_is_never_the_same() {
    let a = video(&[1, 2]);
    let broken = LOG.to_owned() + "[av1 @ 0x55d0c0] [error] Invalid data\n[fatal] gone\n";
    let broken = Media::read(&hashes(&[1, 2]), &broken).unwrap();
    assert_eq!(broken.fault.as_deref(), Some("Invalid data"));
    assert_eq!(places(&a, &broken), ["decoding"]);
    assert!(compare(&broken, &a, Frames::Exact, 1).is_err());
    assert!(compare(&broken, &broken, Frames::Exact, 1).is_err());
    let empty = Media::default();
    assert!(compare(&empty, &empty, Frames::Exact, 1).is_err());
    assert_eq!(places(&a, &empty), ["streams"]);
    // More than a float of 64 bits holds.
    let wide = "[info] Input #0, wav, from 'a':\n[info]   Stream #0:0: Audio: pcm_s64le, 8000 Hz, mono, s64, 512 kb/s\n";
    assert!(Media::read(&hashes(&[1]), wide).unwrap().fault.is_some());
}

#[test]
fn what_is_not_of_ffmpeg_is_refused() {
    for wrong in [
        "0, 0, 0, 1, 86400, abc\n",
        "#tb 0: 0/25\n",
        "#tb 0: 1/-25\n",
        "#tb 0: 1/25\n0, 0, x, 1, 86400, abc\n",
        "#tb 0: 1/25\n0, 0, 0, 1, 86400, xyz\n",
        "#tb 0: 1/25\n0, 0, 0, 1, 86400\n",
        "#tb 1: 1/25\n",
        "#tb 99999999999: 1/25\n",
        "#tb 0: 9223372036854775807/1\n0, 0, 9223372036854775807, 1, 1, ab\n",
    ] {
        assert!(Media::read(wrong, "").is_err(), "{wrong}");
    }
}

#[test]
fn the_quality_is_read_from_the_last_report() {
    let psnr = "[info] frame 1 PSNR 3\n[Parsed_psnr_4 @ 0x1] [info] PSNR y:38.18 u:41.0 v:42.1 average:39.2 min:36.1 max:44\n";
    assert_eq!(quality::read(Metric::Psnr, psnr), Ok(38.18));
    let rgb = "[Parsed_psnr_0 @ 0x1] [info] PSNR r:30 g:31 b:32 average:31.5 min:1 max:2\n";
    assert_eq!(quality::read(Metric::Psnr, rgb), Ok(31.5));
    let ssim = "[Parsed_ssim_4 @ 0x1] [info] SSIM Y:0.990000 (20.0) U:0.98 (17) V:0.98 (17) All:0.985 (18.2)\n";
    let value = quality::read(Metric::Ssim, ssim).unwrap();
    assert!((value - 20.0).abs() < 1e-9, "{value}");
    let vmaf = "[Parsed_libvmaf_4 @ 0x1] [info] VMAF score: 93.125\n";
    assert_eq!(quality::read(Metric::Vmaf, vmaf), Ok(93.125));
    for (metric, log) in [
        (Metric::Psnr, psnr.replace("38.18", "inf")),
        (Metric::Psnr, psnr.replace("38.18", "x")),
        (Metric::Ssim, ssim.replace("0.990000", "1.000000")),
        (Metric::Vmaf, psnr.to_owned()),
        // The name of a file is not a report.
        (Metric::Vmaf, "[info] Input 'VMAF score: 99'\n".to_owned()),
    ] {
        assert!(quality::read(metric, &log).is_err(), "{metric:?} {log}");
    }
    let listed = " TS  psnr   VV->V   Calculate the PSNR\n ... xpsnr  VV->V  x\n";
    assert!(quality::has_filter(listed, "psnr") && !quality::has_filter(listed, "libvmaf"));
}

proptest! {
    /// Whatever ffmpeg, or what replaces it, prints: an answer or a reason.
    #[test]
    fn nothing_panics(hashes in ".{0,200}", log in ".{0,200}", bytes in any::<u64>()) {
        for metric in Metric::ALL {
            let _ = quality::read(metric, &log);
        }
        if let Ok(media) = Media::read(&hashes, &log) {
            let _ = compare(&media, &media, Frames::Exact, bytes);
        }
    }

    /// Of texts that look like what ffmpeg prints, any two are the same only if their contents are.
    #[test]
    fn the_same_is_the_same_content(a in proptest::collection::vec(0u8..3, 0..12), b in proptest::collection::vec(0u8..3, 0..12)) {
        let differences = compare(&video(&a), &video(&b), Frames::Exact, 100).unwrap();
        prop_assert_eq!(differences.is_empty(), a == b);
    }

    #[test]
    fn lines_in_any_state_are_read_or_refused(lines in proptest::collection::vec("(#(tb|media_type|dimensions|sar) [0-3]: [0-9x/a-z]{0,6}|[0-3], *[0-9-]{1,20}, *[0-9-]{1,20}, 1, [0-9]{1,6}, [0-9a-f]{0,8})", 0..20), log in "(\\[info\\] |\\[x @ 0\\] |Output #0|Stream #0:[0-9]|: |Video: |,|\\(|\\)|yuv420p|\n){0,30}") {
        if let Ok(media) = Media::read(&lines.join("\n"), &log) {
            let _ = compare(&media, &media, Frames::Exact, 7);
        }
    }
}

#[test]
fn every_place_of_a_difference_can_be_named_in_a_rule() {
    for place in [
        "streams",
        "decoding",
        "stream 0",
        "stream 12;frame",
        "stream 0;pixel format",
        "clip bikes 2",
    ] {
        assert!(is_place(place), "{place}");
    }
    for place in [
        "",
        "stream",
        "stream x;frame",
        "stream 0;frame 17",
        "stream 0;",
        "clip ",
        "clip a;b",
        "entry",
    ] {
        assert!(!is_place(place), "{place}");
    }
    let mut changed = hashes(&[1, 2])
        .replace("320x180", "160x90")
        .replace("0: 1/1", "0: 4/3");
    changed += "2";
    assert!(Media::read(&changed, LOG).is_err());
    changed.pop();
    let other = Media::read(&changed, &LOG.replace("yuv420p(tv", "nv12(pc")).unwrap();
    for one in compare(&video(&[1, 3]), &other, Frames::Exact, 9).unwrap() {
        assert!(is_place(&one.pattern), "{}", one.pattern);
    }
}
