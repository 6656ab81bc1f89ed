//! Reads the header of an image file: format, size, whether it is animated or cut off.
