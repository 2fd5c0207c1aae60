/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The files of the dashboard, embedded at build time by shared/tools/embed.py.
 */
#ifndef TICKLINE_DASHBOARD_ASSETS_H
#define TICKLINE_DASHBOARD_ASSETS_H

#include <stddef.h>

struct dashboard_asset {
	const char *path; /* "/dashboard.js" */
	const char *type;
	const char *etag; /* of the plain bytes, without quotes */
	const unsigned char *plain;
	size_t plain_length;
	const unsigned char *packed; /* gzip; NULL where that is not smaller */
	size_t packed_length;
};

extern const struct dashboard_asset dashboard_assets[];
extern const size_t dashboard_asset_count;

#endif
