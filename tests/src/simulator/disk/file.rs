//! An open file of a simulated disk.

use std::io;

use investbot::fs::FsFile;

use super::track::TrackId;
use super::{Call, SimDisk};

pub(super) struct SimDiskFile {
    disk: SimDisk,
    file: Box<dyn FsFile>,
    track: TrackId,
}

impl SimDiskFile {
    pub(super) fn boxed(disk: &SimDisk, file: Box<dyn FsFile>, track: TrackId) -> Box<dyn FsFile> {
        let disk = disk.clone();
        Box::new(Self { disk, file, track })
    }
}

impl FsFile for SimDiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (file, track) = (&mut self.file, self.track);
        self.disk.change(Call::Write, |disk| {
            let written = file.write(bytes);
            let length = |path: &_| disk.fs.look(path, <[u8]>::len).unwrap_or(0);
            disk.tracks().write(track, &written, length);
            written
        })
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let (file, track) = (&mut self.file, self.track);
        self.disk.change(Call::Other, |disk| {
            let done = file.sync_data();
            disk.tracks().sync(track, &done);
            done
        })
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let (file, track) = (&mut self.file, self.track);
        self.disk.change(Call::Other, |disk| {
            file.truncate(length)?;
            disk.tracks().truncate(track, length);
            Ok(())
        })
    }

    fn length(&mut self) -> io::Result<u64> {
        let file = &mut self.file;
        self.disk.look(|_| file.length())
    }
}
