"""A small media library, made with ffmpeg's test sources: HLS films, pictures, text."""

import pathlib
import subprocess

FILMS = {
    "clock": "testsrc2=size=640x360:rate=25",
    "colours": "smptehdbars=size=640x360:rate=25",
    "life": "life=size=320x180:rate=25:mold=10:ratio=0.1:death_color=#C83232:life_color=#00ff00",
}
SECONDS = 12


def ffmpeg(*words):
    done = subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y",
                           *[str(word) for word in words]], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ffmpeg: {done.stderr.strip()}")


def make(folder):
    """Fills the folder, once; a marker says that it is whole."""
    folder = pathlib.Path(folder)
    if (folder / ".complete").exists():
        return folder
    for name, source in FILMS.items():
        film = folder / "films" / name
        film.mkdir(parents=True, exist_ok=True)
        ffmpeg("-f", "lavfi", "-i", source, "-f", "lavfi", "-i", "sine=frequency=440",
               "-t", SECONDS, "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac",
               "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod",
               "-hls_segment_filename", film / "part%03d.ts", film / "index.m3u8")
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    for number in range(1, 5):
        ffmpeg("-f", "lavfi", "-i", f"mandelbrot=size=640x360:start_scale={number}",
               "-frames:v", "1", pictures / f"picture{number}.png")
    (folder / "news.txt").write_text("The first edition.\n")
    (folder / ".complete").touch()
    return folder


def names(folder):
    """Paths of all files, as they stand in URIs."""
    folder = pathlib.Path(folder)
    return sorted("/" + str(path.relative_to(folder)) for path in folder.rglob("*")
                  if path.is_file() and not path.name.startswith("."))
