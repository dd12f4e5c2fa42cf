//! How the memory of batches is kept from one to the next.

/// A batch's columns, an encoder's pages and a chunk of an upload are smaller than this. Twice as much made text quicker still, and its
/// peak as high as memory is allowed to go.
const BLOCK: usize = 4 * 1024 * 1024;

/// Lets the allocator keep blocks up to [`BLOCK`] instead of giving each back to the kernel and taking the next one's pages anew, which was
/// an eighth of the processor's time on rows of long text. Called once, before anything else.
///
/// glibc learns it from the first block that is given back: it keeps those of that size from then on, and up to twice as much that is
/// free ("dynamic mmap threshold", mallopt(3)). Other allocators take and give a block of which nothing was touched.
pub fn keep_blocks() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BLOCK)));
}
