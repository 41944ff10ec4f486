//! Runs an external ffmpeg, within bounds: it reads files of its own directory and the references of the configuration,
//! no network, for so long, and writes so much.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use understudy_compare::media::{Media, quality};
use understudy_model::plain_words;
use understudy_model::quality::Metric;
use understudy_probe::{Cgroups, Launch, Limits};

/// How long one file may take.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How long a question about ffmpeg itself may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Most bytes of hashes, and of a log.
const MOST_HASHES: u64 = 64 << 20;
const MOST_LOG: u64 = 4 << 20;
/// The format of a file that was changed, which is its name and its ending as well, and the most bytes of one.
pub(super) const CHANGED: &str = "nut";
pub(super) const MOST_CHANGED: u64 = 128 << 20;
const POLL: Duration = Duration::from_millis(2);
const GRACE: Duration = Duration::from_millis(500);
/// Formats that hold what they say themselves. Playlists, which lead to other files, are none of them.
const FORMATS: &str = "aac,ac3,aiff,amr,ape,apng,asf,au,av1,avi,avif,bmp_pipe,caf,dirac,dts,dv,eac3,exr_pipe,ffv1,flac,\
flv,gif,gif_pipe,gxf,h261,h263,h264,hevc,image2,ivf,jpeg_pipe,jpegls_pipe,jpegxl_pipe,jpegxl_anim,m4v,matroska,mjpeg,mov,\
mp3,mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,pam_pipe,pbm_pipe,pgm_pipe,pgmyuv_pipe,png_pipe,ppm_pipe,qoi_pipe,rm,swf,tak,\
tiff_pipe,truehd,tta,vc1,voc,vvc,w64,wav,webm,webp_pipe,wv,yuv4mpegpipe";
/// A unit of time in which the frames of every usual rate have whole numbers (a flick).
const UNIT: &str = "1/705600000";
/// Samples of one frame of sound: the frames of a codec are not those of another.
pub(super) const SAMPLES: &str = "asetnsamples=n=1024:p=0";

/// An ffmpeg that reads files.
pub(crate) struct Ffmpeg {
    program: String,
    folder: PathBuf,
    next: AtomicU64,
    stop: Arc<AtomicBool>,
}

/// A file that is read.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Bytes, and the ending of their file's name.
    Bytes(&'a [u8], &'a str),
    /// A file of the configuration.
    File(&'a Path),
}

impl Ffmpeg {
    /// One that works in this folder, which is made.
    pub(crate) fn new(program: String, folder: PathBuf, stop: Arc<AtomicBool>) -> Self {
        Ffmpeg {
            program,
            folder,
            next: AtomicU64::new(0),
            stop,
        }
    }

    /// Is the trial being stopped?
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// What is in a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn describe(&self, source: Source<'_>) -> Result<Media, String> {
        let job = self.job()?;
        let input = job.input(source, "a")?;
        let mut args = decoding(&input);
        args.extend(["-f", "framehash", "-hash", "sha256", "hashes"]);
        let log = job.run(&args)?;
        let hashes = bounded(&job.folder.join("hashes"), MOST_HASHES)?;
        Media::read(&hashes, &log)
    }

    /// A file with the same streams without loss, but for what these options change.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn change(
        &self,
        source: Source<'_>,
        options: &[String],
        within: Duration,
    ) -> Result<Vec<u8>, String> {
        let job = self.job()?;
        let input = job.input(source, "a")?;
        let mut args = decoding(&input);
        args.extend(options.iter().map(String::as_str));
        // The same file each time.
        for flags in ["-fflags", "-flags:v", "-flags:a"] {
            args.extend([flags, "+bitexact"]);
        }
        args.extend(["-f", CHANGED, CHANGED]);
        job.run_within(&args, within)?;
        fs::read(job.folder.join(CHANGED)).map_err(|error| kept(&error))
    }

    /// How good the frames of a file are, compared with those of a reference.
    ///
    /// # Errors
    /// Why that is not known.
    pub(crate) fn quality(
        &self,
        metric: Metric,
        source: Source<'_>,
        reference: &Path,
    ) -> Result<f64, String> {
        let job = self.job()?;
        let (input, graph) = (job.input(source, "a")?, quality::graph(metric));
        let reference = job.input(Source::File(reference), "b")?;
        let mut args = reading(&input);
        args.extend(source_of(&reference));
        args.extend(["-lavfi", &graph, "-f", "null", "-"]);
        quality::read(metric, &job.run(&args)?)
    }

    fn job(&self) -> Result<Job<'_>, String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("media-{number}"));
        fs::create_dir_all(&folder).map_err(|error| kept(&error))?;
        Ok(Job {
            ffmpeg: self,
            folder,
        })
    }
}

fn kept(error: &io::Error) -> String {
    format!("it cannot be kept while it is read: {}", plain_words(error))
}

/// How it behaves, and its first input.
fn reading(input: &str) -> Vec<&str> {
    let mut args = vec!["-nostdin", "-hide_banner", "-nostats", "-y"];
    args.extend(["-loglevel", "level+info"]);
    args.extend(source_of(input));
    args
}

/// The same, and that all streams of the input are written as what they decode to, at their times.
fn decoding(input: &str) -> Vec<&str> {
    let mut args = reading(input);
    args.extend(["-map", "0", "-copy_unknown", "-c", "copy"]);
    args.extend(["-c:v", "rawvideo", "-c:a", "pcm_f64le"]);
    args.extend(["-filter:a", SAMPLES]);
    args.extend(["-fps_mode", "passthrough", "-enc_time_base:v", UNIT]);
    args
}

/// One input: one thread, no protocol but files, no format that leads to other files.
fn source_of(input: &str) -> [&str; 8] {
    [
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        FORMATS,
        "-threads",
        "1",
        "-i",
        input,
    ]
}

/// One run of it, in a folder of its own, which is removed.
struct Job<'f> {
    ffmpeg: &'f Ffmpeg,
    folder: PathBuf,
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        // What stays is removed with the run's directory.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Job<'_> {
    /// The name of an input, whose bytes are written to the folder.
    fn input(&self, source: Source<'_>, name: &str) -> Result<String, String> {
        match source {
            Source::File(path) => Ok(format!("file:{}", path.display())),
            Source::Bytes(bytes, ending) => {
                // It comes from the name of a file that a command wrote.
                let is_plain =
                    ending.len() <= 16 && ending.bytes().all(|b| b.is_ascii_alphanumeric());
                let name = match is_plain && !ending.is_empty() {
                    true => format!("{name}.{ending}"),
                    false => name.to_owned(),
                };
                fs::write(self.folder.join(&name), bytes).map_err(|error| kept(&error))?;
                Ok(format!("file:{name}"))
            }
        }
    }

    /// Runs it to its end and returns its log.
    fn run(&self, args: &[&str]) -> Result<String, String> {
        self.run_within(args, TIMEOUT)
    }

    fn run_within(&self, args: &[&str], within: Duration) -> Result<String, String> {
        let ffmpeg = self.ffmpeg;
        let [log, hashes, changed] = ["log", "hashes", CHANGED].map(|name| self.folder.join(name));
        let launch = Launch {
            name: "ffmpeg".to_owned(),
            argv: std::iter::once(ffmpeg.program.as_str())
                .chain(args.iter().copied())
                .map(str::to_owned)
                .collect(),
            dir: self.folder.clone(),
            env: [("AV_LOG_FORCE_NOCOLOR".to_owned(), "1".to_owned())].into(),
            log: log.clone(),
            limits: Limits::default(),
            cpus: None,
        };
        let none = Cgroups::none("ffmpeg has no cgroup");
        let first_line = |error: String| error.lines().next().unwrap_or_default().to_owned();
        let mut child = launch
            .spawn(&none)
            .map_err(|error| first_line(error.to_string()))?;
        let began = Instant::now();
        let size = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
        let exit = loop {
            if let Some(exit) = child.exited() {
                break Ok(exit);
            }
            if ffmpeg.stop.load(Ordering::Relaxed) {
                break Err("interrupted".to_owned());
            }
            if began.elapsed() > within {
                break Err(format!("ffmpeg takes longer than {} s", within.as_secs()));
            }
            if size(&log) > MOST_LOG || size(&hashes) > MOST_HASHES {
                break Err("ffmpeg writes more about it than is kept".to_owned());
            }
            if size(&changed) > MOST_CHANGED {
                break Err(format!(
                    "it takes more than {} MiB without compression",
                    MOST_CHANGED >> 20
                ));
            }
            std::thread::sleep(POLL);
        };
        child
            .stop(GRACE)
            .map_err(|error| first_line(error.to_string()))?;
        let exit = exit?;
        let log = bounded(&log, MOST_LOG)?;
        match exit.success() {
            true => Ok(log),
            false => Err(format!("ffmpeg cannot read it ({exit}): {}", reason(&log))),
        }
    }
}

/// The text of a file that is not longer than this.
fn bounded(path: &Path, most: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| kept(&error))?;
    match bytes.len() as u64 > most {
        true => Err("ffmpeg writes more about it than is kept".to_owned()),
        // Titles in a file may be in any encoding; what is read of a log is ASCII.
        false => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// The last error of a log, without what is before its words.
fn reason(log: &str) -> String {
    let mut lines = log.lines().rev();
    let last = lines
        .find(|line| line.contains("[error]") || line.contains("[fatal]"))
        .or(log.lines().last())
        .unwrap_or("it says nothing");
    let words = last.rsplit("] ").next().unwrap_or(last);
    words.chars().take(200).collect()
}

/// What is wrong with a program that is to read media: it is there, it is ffmpeg, it has the filters of these metrics.
///
/// # Errors
/// Cause and hint.
pub(crate) fn check(program: &str, metrics: &[Metric]) -> Result<(), String> {
    let version = ask(program, &["-version"])?;
    if !version.starts_with("ffmpeg version ") {
        return Err(format!(
            "`{program}` is not ffmpeg\nhint: name an ffmpeg 5.1 or later"
        ));
    }
    if metrics.is_empty() {
        return Ok(());
    }
    let filters = ask(program, &["-hide_banner", "-filters"])?;
    let mut missing = metrics
        .iter()
        .filter(|metric| !quality::has_filter(&filters, quality::filter(**metric)));
    match missing.next() {
        None => Ok(()),
        Some(metric) => Err(format!(
            "`{program}` has no filter `{}`, which {} needs\nhint: name an ffmpeg that has it, or choose another `metric`",
            quality::filter(*metric),
            metric.in_words()
        )),
    }
}

/// What it prints.
fn ask(program: &str, args: &[&str]) -> Result<String, String> {
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "`{program}` is needed to read media, and is not there\nhint: install ffmpeg, or name its path: `ffmpeg` in `[compare.media]`"
        ),
        _ => format!("`{program}` cannot be started: {}", plain_words(&error)),
    };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    let output = child.stdout.take();
    let printed = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(output) = output {
            // What was printed until then is judged.
            let _ = output.take(MOST_LOG).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let began = Instant::now();
    while !printed.is_finished() && began.elapsed() < ANSWERS_WITHIN {
        std::thread::sleep(POLL);
    }
    if !printed.is_finished() {
        // It may have ended meanwhile.
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!(
            "`{program}` does not answer within {} s\nhint: name an ffmpeg 5.1 or later",
            ANSWERS_WITHIN.as_secs()
        ));
    }
    // It has closed its output; what is left of it is not waited for.
    let _ = child.kill();
    let _ = child.wait();
    Ok(printed.join().unwrap_or_default())
}
