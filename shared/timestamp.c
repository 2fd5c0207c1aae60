/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "timestamp.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "decimal.h"

#define SECOND_US           INT64_C(1000000)
#define MINUTE_US           (60 * SECOND_US)
#define DAY_S               INT64_C(86400)
#define DAY_US              (DAY_S * SECOND_US)
#define EPOCH_DAYS          INT64_C(719468)                     /* from 0000-03-01 to 1970-01-01 */
#define FIRST_US            (INT64_C(-62135596800) * SECOND_US) /* 0001-01-01 */
#define LAST_US             (INT64_C(253402300800) * SECOND_US - 1) /* 9999-12-31, its last microsecond */
#define FOUR_CENTURIES_DAYS INT64_C(146097)

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;
	int failed = clock_gettime(clock, &now);
	assert(!failed);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

int64_t wall_now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t wall_now_coarse_us(void)
{
	return clock_us(CLOCK_REALTIME_COARSE);
}

int64_t monotonic_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

/* --- the calendar ---------------------------------------------------------------------------- */

struct date {
	int64_t year;
	unsigned month, day;
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar, from year 1 on. Years start in March
 * here, so that a leap day is the last of its year. */
static int64_t days_of(struct date date)
{
	static const uint16_t before[] = { 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275 };
	uint32_t year = (uint32_t)date.year - (date.month <= 2);
	uint32_t days = year * 365 + year / 4 - year / 100 + year / 400;
	return (int64_t)(days + before[date.month - 1] + date.day - 1) - EPOCH_DAYS;
}

static struct date date_of(int64_t days)
{
	int64_t shifted = days + EPOCH_DAYS; /* not negative from year 1 on */
	int64_t era = shifted / FOUR_CENTURIES_DAYS;
	int64_t day = shifted % FOUR_CENTURIES_DAYS;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct date date = { .day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
			     .month = (unsigned)(month < 10 ? month + 3 : month - 9) };
	date.year = year + era * 400 + (date.month <= 2);
	return date;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* --- reading --------------------------------------------------------------------------------- */

struct cursor {
	const char *at, *end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly `count` digits, low to high. */
static bool take_number(struct cursor *cursor, int count, unsigned low, unsigned high,
			unsigned *out)
{
	if (cursor->end - cursor->at < count)
		return false;
	unsigned value = 0;
	for (int i = 0; i < count; i++) {
		if (!is_digit(cursor->at[i]))
			return false;
		value = value * 10 + (unsigned)(cursor->at[i] - '0');
	}
	cursor->at += count;
	*out = value;
	return value >= low && value <= high;
}

static bool take_any(struct cursor *cursor, const char *set)
{
	for (; cursor->at < cursor->end && *set; set++) {
		if (*cursor->at == *set) {
			cursor->at++;
			return true;
		}
	}
	return false;
}

static bool take_date(struct cursor *cursor, int64_t *us)
{
	unsigned year, month, day;
	if (!take_number(cursor, 4, 1, 9999, &year) || !take_any(cursor, "-") ||
	    !take_number(cursor, 2, 1, 12, &month) || !take_any(cursor, "-") ||
	    !take_number(cursor, 2, 1, days_in_month(year, month), &day))
		return false;
	*us = days_of((struct date){ year, month, day }) * DAY_US;
	return true;
}

static bool take_fraction(struct cursor *cursor, int64_t *us)
{
	int digits = 0;
	int64_t fraction = 0;
	for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++, digits++)
		if (digits < 6)
			fraction = fraction * 10 + (*cursor->at - '0');
	for (int i = digits; i < 6; i++)
		fraction *= 10;
	*us += fraction;
	return digits >= 1 && digits <= 9;
}

static bool take_time(struct cursor *cursor, int64_t *us)
{
	unsigned hour, minute, second;
	if (!take_number(cursor, 2, 0, 23, &hour) || !take_any(cursor, ":") ||
	    !take_number(cursor, 2, 0, 59, &minute) || !take_any(cursor, ":") ||
	    !take_number(cursor, 2, 0, 59, &second))
		return false;
	*us += (int64_t)(hour * 60 + minute) * MINUTE_US + second * SECOND_US;
	return !take_any(cursor, ".") || take_fraction(cursor, us);
}

/* "Z", "+hh:mm", "+hhmm", "+hh" or nothing. */
static bool take_zone(struct cursor *cursor, int64_t *us)
{
	if (cursor->at == cursor->end || take_any(cursor, "Zz"))
		return true;
	bool west = *cursor->at == '-';
	unsigned hours, minutes = 0;
	if (!take_any(cursor, "+-") || !take_number(cursor, 2, 0, 23, &hours))
		return false;
	bool colon = take_any(cursor, ":");
	if ((colon || cursor->at < cursor->end) && !take_number(cursor, 2, 0, 59, &minutes))
		return false;
	int64_t offset = (int64_t)(hours * 60 + minutes) * MINUTE_US;
	*us += west ? offset : -offset;
	return true;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Eight characters of a layout: its separators and zeros where digits stand, and what carries into
 * a byte's highest bit when it is added to a difference that is more than the place allows. */
struct layout {
	uint64_t text, allow;
};

/* Where a digit stands, ten times it and the digit that follows. Adds to `misfits` what is no digit
 * or not the separator. */
static inline uint64_t read_pairs(const char *at, struct layout layout, uint64_t *misfits)
{
	const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t digits;
	memcpy(&digits, at, sizeof digits);
	digits ^= layout.text;
	*misfits |= (((digits & low) + layout.allow) | digits) & ~low;
	return digits * 10 + (digits >> 8);
}

static inline unsigned pair(uint64_t pairs, int at)
{
	return (unsigned)(pairs >> (8 * at)) & 0xff;
}

/* What timestamp_print gives, eight characters at a time: nearly all that is ever read. */
static bool read_printed(const char *data, int64_t *us)
{
	const struct layout days = { UINT64_C(0x2d30302d30303030), UINT64_C(0x7f76767f76767676) },
			    hours = { UINT64_C(0x30303a3030543030), UINT64_C(0x76767f76767f7676) },
			    seconds = { UINT64_C(0x303030302e30303a),
					UINT64_C(0x767676767f76767f) },
			    fractions = { UINT64_C(0x5a3030303030302e),
					  UINT64_C(0x7f7676767676767f) };
	uint64_t misfits = 0;
	uint64_t ymd = read_pairs(data, days, &misfits),
		 dhm = read_pairs(data + 8, hours, &misfits),
		 s = read_pairs(data + 16, seconds, &misfits),
		 f = read_pairs(data + 19, fractions, &misfits);
	struct date date = { pair(ymd, 0) * 100 + pair(ymd, 2), pair(ymd, 5), pair(dhm, 0) };
	unsigned hour = pair(dhm, 3), minute = pair(dhm, 6), second = pair(s, 1);
	if (misfits || date.year == 0 || date.month == 0 || date.month > 12 || date.day == 0 ||
	    (date.day > 28 && date.day > days_in_month(date.year, date.month)) || hour > 23 ||
	    minute > 59 || second > 59)
		return false;
	*us = days_of(date) * DAY_US + (hour * 60 + minute) * MINUTE_US + second * SECOND_US +
	      pair(f, 1) * 10000 + pair(f, 3) * 100 + pair(f, 5);
	return true;
}
#else
static bool read_printed(const char *data, int64_t *us)
{
	(void)data;
	(void)us;
	return false;
}
#endif

enum error timestamp_read(const char *data, size_t length, int64_t *us)
{
	struct cursor cursor = { data, data + length };
	int64_t value;
	if (length == TIMESTAMP_MAX_TEXT - 1 && read_printed(data, us))
		return ERROR_OK;
	if (!take_date(&cursor, &value) || !take_any(&cursor, "Tt ") ||
	    !take_time(&cursor, &value) || !take_zone(&cursor, &value) || cursor.at != cursor.end)
		return ERROR_INVALID;
	if (value < FIRST_US || value > LAST_US) /* a zone leads out of the years 1 to 9999 */
		return ERROR_INVALID;
	*us = value;
	return ERROR_OK;
}

enum error timestamp_from_epoch(int64_t value, int64_t *us)
{
	/* Ten digits are seconds from 2001 to 2286; each unit adds three. */
	static const struct {
		int64_t low, factor, divisor;
	} units[] = {
		{ INT64_C(1000000000), SECOND_US, 1 },
		{ INT64_C(1000000000000), 1000, 1 },
		{ INT64_C(1000000000000000), 1, 1 },
		{ INT64_C(1000000000000000000), 1, 1000 },
	};
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (value >= units[i].low && value / 10 < units[i].low) {
			*us = value * units[i].factor / units[i].divisor;
			return ERROR_OK;
		}
	}
	return ERROR_INVALID;
}

/* The exponent of a number that is known to be valid JSON, capped: what lies past the cap is
 * outside every range. */
static int64_t read_exponent(const char *at, const char *end)
{
	int64_t exponent = 0;
	bool negative = *at == '-';
	for (at += *at == '-' || *at == '+'; at < end; at++)
		if (exponent < 1000000)
			exponent = exponent * 10 + (*at - '0');
	return negative ? -exponent : exponent;
}

/* The first sixteen significant digits of a time between 2001 and 2286 are its microseconds,
 * whatever the unit: the unit is told by how many digits stand before the point. */
enum error timestamp_read_epoch(const char *data, size_t length, int64_t *us)
{
	enum { MICROSECOND_DIGITS = 16 };
	if (!length || *data == '-' || decimal_span(data, length) != length)
		return ERROR_INVALID;
	const char *end = data + length;
	int64_t value = 0;
	int64_t point = 0; /* significant digits before it; negative: zeros after it */
	int digits = 0;
	bool fraction = false;
	for (const char *at = data; at < end; at++) {
		if (*at == 'e' || *at == 'E') {
			point += read_exponent(at + 1, end);
			break;
		}
		bool leading = !digits && *at == '0';
		if (*at == '.') {
			fraction = true;
			continue;
		}
		point += fraction ? -(int64_t)leading : !leading;
		if (!leading && digits < MICROSECOND_DIGITS) {
			value = value * 10 + (*at - '0');
			digits++;
		}
	}
	if (!digits || (point != 10 && point != 13 && point != 16 && point != 19))
		return ERROR_INVALID;
	for (; digits < MICROSECOND_DIGITS; digits++)
		value *= 10;
	*us = value;
	return ERROR_OK;
}

/* --- printing -------------------------------------------------------------------------------- */

static char *put_number(char *out, unsigned value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

size_t timestamp_print(int64_t us, char out[TIMESTAMP_MAX_TEXT])
{
	assert(us >= FIRST_US && us <= LAST_US);
	int64_t since_first = us - FIRST_US; /* not negative, so that division rounds down */
	int64_t in_day = since_first % DAY_US;
	struct date date = date_of(since_first / DAY_US + FIRST_US / DAY_US);
	unsigned second = (unsigned)(in_day / SECOND_US);
	char *at = put_number(out, (unsigned)date.year, 4);
	*at++ = '-';
	at = put_number(at, date.month, 2);
	*at++ = '-';
	at = put_number(at, date.day, 2);
	*at++ = 'T';
	at = put_number(at, second / 3600, 2);
	*at++ = ':';
	at = put_number(at, second / 60 % 60, 2);
	*at++ = ':';
	at = put_number(at, second % 60, 2);
	*at++ = '.';
	at = put_number(at, (unsigned)(in_day % SECOND_US), 6);
	*at++ = 'Z';
	*at = '\0';
	return (size_t)(at - out);
}
