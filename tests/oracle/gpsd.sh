#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The real gpsd, fed with NMEA through a pseudo-terminal, and what the source makes of it (MET-07).
exec python3 "$(dirname "$0")/gpsd.py" "${top_builddir:-.}/tests/oracle/sources_cli"
