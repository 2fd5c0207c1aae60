/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Several bars as one longer bar: the open of the first, the highest high, the lowest low, the
 * close of the last, the sum of the volumes. Reentrant.
 */
#ifndef TICKLINE_MODEL_BAR_FOLD_H
#define TICKLINE_MODEL_BAR_FOLD_H

/* For time_ring_query.fold: both are struct ring_record of bars, `next` the later one. The result
 * has the timestamp, the offset and the partition of the later one. */
void bar_fold(void *into, const void *next);

#endif
