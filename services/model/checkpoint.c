/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "json_numbers.h"

/* Goes up with whatever a row's identity is made of, or its split would be of two kinds. */
enum { FORMAT = 4 };

void checkpoint_clean_up(struct checkpoint *checkpoint)
{
	partial_destroy(&checkpoint->partial);
	for (size_t i = 0; i < checkpoint->count; i++)
		features_destroy(&checkpoint->partitions[i].features);
	free(checkpoint->partitions);
	memset(checkpoint, 0, sizeof(*checkpoint));
}

struct checkpoint_partition *checkpoint_find(const struct checkpoint *checkpoint, int32_t partition)
{
	for (size_t i = 0; i < checkpoint->count; i++)
		if (checkpoint->partitions[i].partition == partition)
			return &checkpoint->partitions[i];
	return NULL;
}

/* Room for one more. NULL: no memory. */
static struct checkpoint_partition *add(struct checkpoint *checkpoint)
{
	size_t size = (checkpoint->count + 1) * sizeof(*checkpoint->partitions);
	void *larger = realloc(checkpoint->partitions, size);
	if (!larger)
		return NULL;
	checkpoint->partitions = larger;
	struct checkpoint_partition *added = &checkpoint->partitions[checkpoint->count++];
	memset(added, 0, sizeof(*added));
	return added;
}

enum error checkpoint_cover(struct checkpoint *checkpoint, const struct dataset *dataset)
{
	for (size_t begin = 0; begin < dataset->count;) {
		size_t end = dataset_partition_end(dataset, begin);
		struct checkpoint_partition *added = add(checkpoint);
		if (!added)
			return ERROR_NO_MEMORY;
		added->partition = dataset->files[begin].partition;
		for (; begin < end; begin++) {
			added->bytes += dataset->files[begin].length;
			if (dataset->files[begin].last > added->last)
				added->last = dataset->files[begin].last;
		}
	}
	return ERROR_OK;
}

/* One partition. Its files up to the checkpoint hold `bytes`; where a join took newer files into
 * one of them, the bytes that were read are that file's first ones, as a join only appends. */
static bool plan_partition(const struct checkpoint_partition *known, const struct dataset *dataset,
			   size_t begin, size_t end, int64_t *from)
{
	int64_t left = known->bytes;
	for (size_t i = begin; i < end; i++) {
		const struct dataset_file *file = &dataset->files[i];
		from[i] = 0;
		if (file->first > known->last)
			continue;
		bool joined = file->last > known->last;
		from[i] = joined && left < file->length ? left : file->length;
		left -= from[i];
	}
	return left == 0;
}

bool checkpoint_plan(const struct checkpoint *checkpoint, const struct dataset *dataset,
		     int64_t *from)
{
	size_t known_count = 0;
	for (size_t begin = 0; begin < dataset->count;) {
		size_t end = dataset_partition_end(dataset, begin);
		const struct checkpoint_partition *known =
			checkpoint_find(checkpoint, dataset->files[begin].partition);
		if (known && !plan_partition(known, dataset, begin, end, from))
			return false;
		if (!known)
			memset(from + begin, 0, (end - begin) * sizeof(*from));
		known_count += known ? 1 : 0;
		begin = end;
	}
	return known_count == checkpoint->count; /* else a whole partition went away */
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void write_partition(const struct checkpoint_partition *partition, struct text *out)
{
	text_putf(out, "{\"partition\":%d,\"last\":", (int)partition->partition);
	text_put_i64(out, partition->last);
	text_puts(out, ",\"bytes\":");
	text_put_i64(out, partition->bytes);
	if (partition->features) {
		text_puts(out, ",\"features\":");
		features_write_json(partition->features, out);
	}
	text_putc(out, '}');
}

void checkpoint_write_json(const struct checkpoint *checkpoint, const struct spec *spec,
			   struct text *out)
{
	char hash[65];
	if (spec_hash(spec, hash) != ERROR_OK) {
		out->error = ERROR_NO_MEMORY;
		return;
	}
	text_putf(out, "{\"format\":%d,\"spec_sha256\":\"%s\",\"partitions\":[", FORMAT, hash);
	for (size_t i = 0; i < checkpoint->count; i++) {
		if (i > 0)
			text_putc(out, ',');
		write_partition(&checkpoint->partitions[i], out);
	}
	text_puts(out, "],\"factors\":");
	partial_write_json(checkpoint->partial, out);
	text_putc(out, '}');
}

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static bool is_of_spec(const struct spec *spec, const cJSON *json)
{
	char hash[65];
	const char *written = cJSON_GetStringValue(member(json, "spec_sha256"));
	return written && spec_hash(spec, hash) == ERROR_OK && strcmp(hash, written) == 0;
}

static bool is_of_format(const cJSON *json)
{
	int64_t format;
	return json_read_integer(member(json, "format"), &format) && format == FORMAT;
}

static bool read_partition(const struct spec *spec, const cJSON *json,
			   struct checkpoint *checkpoint)
{
	int64_t number;
	struct checkpoint_partition *added = add(checkpoint);
	if (!added || !json_read_integer(member(json, "partition"), &number) || number < 0 ||
	    number > INT32_MAX || !json_read_integer(member(json, "last"), &added->last) ||
	    !json_read_integer(member(json, "bytes"), &added->bytes) || added->bytes < 0)
		return false;
	added->partition = (int32_t)number;
	const cJSON *features = member(json, "features");
	if (!spec_is_ordered(spec))
		return true;
	return features_read_json(spec, features, &added->features, NULL) == ERROR_OK;
}

static bool read_partitions(const struct spec *spec, const cJSON *array,
			    struct checkpoint *checkpoint)
{
	const cJSON *item = NULL;
	if (!cJSON_IsArray(array))
		return false;
	cJSON_ArrayForEach(item, array) if (!read_partition(spec, item, checkpoint)) return false;
	return true;
}

enum error checkpoint_read_json(const struct spec *spec, const cJSON *json,
				struct checkpoint *checkpoint, struct text *why)
{
	memset(checkpoint, 0, sizeof(*checkpoint));
	if (is_of_format(json) && is_of_spec(spec, json) &&
	    read_partitions(spec, member(json, "partitions"), checkpoint) &&
	    partial_read_json(spec, member(json, "factors"), &checkpoint->partial, NULL) ==
		    ERROR_OK)
		return ERROR_OK;
	why_putf(why, "what was read before is not whole, of another spec or of another format");
	return ERROR_INVALID;
}
