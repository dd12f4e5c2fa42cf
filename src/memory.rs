//! Keeps the memory of batches for reuse.

/// A batch's columns, an encoder's pages and a chunk of an upload are smaller than this. Twice this size made text
/// faster still, but raised the peak to the limit that memory may have.
const BLOCK: usize = 4 * 1024 * 1024;

/// Lets the allocator keep blocks up to [`BLOCK`] instead of returning each to the kernel and getting the next one's
/// pages again, which took an eighth of the processor's time on rows of long text. Called once, before anything else.
///
/// glibc learns it from the first block that is given back: it keeps those of that size from then on, and up to twice as much that is
/// free ("dynamic mmap threshold", mallopt(3)). Other allocators take and give a block of which nothing was touched.
pub fn keep_blocks() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BLOCK)));
}
