/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CRC-32C (Castagnoli), HDFS's usual checksum: by the CPU's instruction where it has one. Any
 * thread.
 */
#ifndef TICKLINE_CRC32C_H
#define TICKLINE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of `count` pieces of `size` bytes each that follow one another, into sums[0…count-1]. */
void crc32c_pieces(const char *data, size_t size, size_t count, uint32_t *sums);

/* The same without the instruction, for CPUs that have none and for tests. */
void crc32c_pieces_plain(const char *data, size_t size, size_t count, uint32_t *sums);

#endif
