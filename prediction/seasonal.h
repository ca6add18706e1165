/* SPDX-License-Identifier: Apache-2.0
 *
 * Forecasts of a series with days of up to 24 samples and weeks of seven such days. A predictor by its
 * descriptor, but in no table: it needs some 3 KB and does not watch thresholds. */
#pragma once
#include "prediction/predictor.h"

extern const struct predictor predictor_seasonal;
