/* SPDX-License-Identifier: Apache-2.0
 *
 * Written by tests/support/vectors.py scopes from tests/data/grasp/, whose
 * README.md names the sources. Not for editing. */
#pragma once
/* clang-format off */
static const struct scope_vector {
	const char *expression, *canonical;
	int range;
	const char *prefix;
	unsigned prefix_len;
	const char *group;
} scope_vectors[] = {
	{ "admin=operator1", "admin=operator1", 4, "::", 0, "ff14:d892:57c:53b0:6f49:db7d:c013:abc0" },
	{ "admin=operator1", "admin=operator1", 5, "::", 0, "ff15:d892:57c:53b0:6f49:db7d:c013:abc0" },
	{ "admin=operator1", "admin=operator1", 8, "::", 0, "ff18:d892:57c:53b0:6f49:db7d:c013:abc0" },
	{ "admin=Operator1", "admin=operator1", 4, "::", 0, "ff14:d892:57c:53b0:6f49:db7d:c013:abc0" },
	{ "mfr=ACME Robotics", "mfr=acme%20robotics", 4, "::", 0, "ff14:cd6d:b21d:b13d:7825:c2c:8260:5c42" },
	{ "type=gateway", "type=gateway", 4, "::", 0, "ff14:1aab:4e19:d35b:888f:977e:9984:93ca" },
	{ "user=alice@example.org", "user=alice%40example.org", 4, "::", 0, "ff14:12f4:2253:fc34:9edd:e3f8:ab10:e18e" },
	{ "geo=ezjm6", "geo=ezjm6", 5, "::", 0, "ff15:4ab6:4f61:b4b4:f94f:32d9:fe7c:4081" },
	{ "geo=ezjm", "geo=ezjm", 5, "::", 0, "ff15:d5de:6c16:6b4d:b069:4ef0:dcca:beff" },
	{ "admin=operator1; type=robot", "admin=operator1;type=robot", 4, "::", 0, "ff14:f1a6:b60f:3d92:755f:a9f9:be35:16f8" },
	{ "type=robot; admin=operator1", "admin=operator1;type=robot", 4, "::", 0, "ff14:f1a6:b60f:3d92:755f:a9f9:be35:16f8" },
	{ "admin=operator1; geo=ezjm; mfr=acme robotics; type=robot", "admin=operator1;geo=ezjm;mfr=acme%20robotics;type=robot", 8, "::", 0, "ff18:4c85:19c5:8476:5629:f4b2:d588:4ca9" },
	{ "admin=opérateur", "admin=op%C3%A9rateur", 4, "::", 0, "ff14:fe41:67de:95:72b0:127a:92ba:e83d" },
	{ "admin=operator1", "admin=operator1", 4, "fd9e:1:2::", 48, "ff34:30:fd9e:1:2:0:c013:abc0" },
	{ "type=gateway", "type=gateway", 5, "fd9e:1:2::", 48, "ff35:30:fd9e:1:2:0:9984:93ca" },
	{ "admin=operator1", "admin=operator1", 8, "2001:db8:1111:2222::", 64, "ff38:40:2001:db8:1111:2222:c013:abc0" },
	{ "user=u46", "user=u46", 4, "::", 0, "ff14:5604:89cb:846f:a6c4:eba5:fe80:5e76" },
};
