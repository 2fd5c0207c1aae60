/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A file that is full, or can't grow because its neighbour has larger blocks (CONCAT refuses them),
 * is of another format or stands behind a gap, stays so for as long as its neighbour is what it is;
 * that is what makes the leftmost other one the same for all who look.
 *
 * A gap between two names is never joined over: the name would say that lost offsets were seen.
 */
#include "join_plan.h"

#include <inttypes.h>
#include <string.h>

void join_plan_init(struct join_plan *plan, const struct join_rules *rules)
{
	memset(plan, 0, sizeof *plan);
	plan->rules = rules;
	plan->behind.last = -1;
	plan->next = INT64_MAX;
}

static void begin_with(struct join_plan *plan, const struct join_file *file)
{
	plan->files[0] = *file;
	plan->count = 1;
	plan->last = file->range.last;
	plan->bytes = file->length;
}

static void append(struct join_plan *plan, const struct join_file *file)
{
	plan->files[plan->count++] = *file;
	plan->bytes += file->length;
	if (file->range.last > plan->last)
		plan->last = file->range.last;
}

static enum error stop_before(struct join_plan *plan, const struct join_file *file)
{
	plan->next = file->range.first;
	return ERROR_CANCELLED;
}

static bool has_room(const struct join_plan *plan)
{
	return plan->count <= plan->rules->sources;
}

static bool can_follow(const struct join_plan *plan, const struct join_file *file)
{
	return plan->bytes < plan->rules->bytes && file->range.first == plan->last + 1 &&
	       file->range.format == plan->files[0].range.format &&
	       file->block_size <= plan->files[0].block_size;
}

static enum error covered(struct join_plan *plan, const struct join_file *file, struct text *why)
{
	if (file->range.first == plan->files[0].range.first) {
		why_putf(why, "two files of partition %" PRId32 " begin with offset %" PRId64,
			 file->range.partition, file->range.first);
		return ERROR_CONFLICT;
	}
	if (file->range.format != plan->files[0].range.format) {
		why_putf(why,
			 "the file of partition %" PRId32 " from offset %" PRId64
			 " covers one of another format from offset %" PRId64,
			 file->range.partition, plan->files[0].range.first, file->range.first);
		return ERROR_CONFLICT;
	}
	if (!has_room(plan))
		return stop_before(plan, file);
	plan->unfinished = true;
	append(plan, file);
	return ERROR_OK;
}

enum error join_plan_add(struct join_plan *plan, const struct join_file *file, struct text *why)
{
	if (file->range.first > plan->rules->published)
		return stop_before(plan, file);
	if (plan->count == 0) {
		begin_with(plan, file);
		return ERROR_OK;
	}
	if (file->range.first <= plan->last)
		return covered(plan, file, why);
	if (plan->unfinished)
		return stop_before(plan, file);
	if (can_follow(plan, file) && has_room(plan)) {
		append(plan, file);
		return ERROR_OK;
	}
	if (plan->count > 1) {
		plan->closed = true;
		return stop_before(plan, file);
	}
	plan->behind = plan->files[0].range;
	begin_with(plan, file);
	return ERROR_OK;
}

bool join_plan_is_due(const struct join_plan *plan)
{
	const struct join_rules *rules = plan->rules;
	return plan->count > 1 &&
	       (plan->unfinished || plan->closed || rules->ended || !has_room(plan) ||
		plan->bytes >= rules->bytes || (int64_t)plan->count >= rules->files);
}

bool join_plan_may_delete(const struct join_plan *plan, size_t index)
{
	const struct join_file *file = &plan->files[index];
	int64_t next = index + 1 < plan->count ? plan->files[index + 1].range.first : plan->next;
	return index > 0 && file->length == 0 && next > file->range.last;
}
