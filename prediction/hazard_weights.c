/* SPDX-License-Identifier: Apache-2.0
 *
 * Logistic weights, fitted on recorded and synthetic series of phones, drones, radio links, virtual
 * machines, servers and electronics: every kind counts the same, ridge towards a common model. "other"
 * is that model. One row a lead: z0 zmix zstat loghaz margin fpt kz ez, bias. */
#include "prediction/hazard.h"

const char *const hazard_feature_names[HAZARD_FEATURES] = { "z0", "zmix", "zstat",
	"loghaz", "margin", "fpt", "kz", "ez" };

const float hazard_weights[PREDICTOR_CLASSES][PREDICTOR_LEADS][HAZARD_FEATURES + 1] = {
	[PREDICT_OTHER] = {
	    { 0.108f, -0.129f, 0.188f, 0.135f, -0.375f, 0.558f, -0.327f, -0.423f, -1.156f },
	    { 0.125f, -0.031f, 0.227f, 0.126f, -0.343f, 1.115f, -0.334f, -0.600f, -0.748f },
	    { 0.160f, 0.087f, -0.017f, 0.017f, -0.298f, 1.553f, -0.399f, -0.447f, -0.609f },
	},
	[PREDICT_BATTERY] = {
	    { 0.096f, 0.136f, -0.489f, -0.018f, -0.780f, -0.083f, -0.554f, -1.599f, 2.081f },
	    { 0.143f, 0.224f, -0.386f, -0.085f, -0.829f, 0.462f, -0.677f, -1.654f, 2.349f },
	    { -0.064f, 0.094f, -1.112f, -0.444f, -0.682f, 0.256f, -0.498f, -0.492f, 1.356f },
	},
	[PREDICT_RADIO] = {
	    { 0.309f, -0.290f, 0.359f, 0.149f, -0.564f, -0.419f, -0.253f, -0.543f, -0.753f },
	    { 0.156f, -0.120f, 0.389f, 0.118f, -0.512f, 0.198f, -0.177f, -0.713f, -0.312f },
	    { 0.059f, 0.040f, 0.305f, 0.140f, -0.388f, 0.409f, -0.260f, -0.716f, 0.440f },
	},
	[PREDICT_CPU] = {
	    { 0.055f, -0.313f, 0.197f, 0.169f, -0.103f, 0.776f, -0.025f, -0.310f, -2.840f },
	    { 0.098f, -0.221f, 0.176f, 0.186f, -0.060f, 0.691f, -0.143f, -0.375f, -1.913f },
	    { -0.009f, 0.025f, 0.135f, 0.181f, -0.002f, 2.213f, -0.163f, -0.398f, -1.727f },
	},
	[PREDICT_MEMORY] = {
	    { -0.103f, -0.129f, 0.089f, -0.068f, -0.231f, 1.496f, -0.245f, -0.212f, -3.722f },
	    { -0.064f, -0.026f, 0.097f, -0.078f, -0.107f, 2.451f, -0.247f, -0.368f, -3.899f },
	    { -0.119f, 0.045f, 0.111f, -0.096f, -0.029f, 3.277f, -0.348f, -0.222f, -3.835f },
	},
	[PREDICT_THERMAL] = {
	    { 0.260f, -0.089f, 0.133f, 0.254f, -0.072f, 7.525f, -0.804f, -0.078f, -4.194f },
	    { 0.287f, -0.001f, -0.080f, 0.311f, 0.044f, 6.399f, -0.962f, -0.044f, -3.553f },
	    { 0.507f, 0.087f, -0.466f, 0.527f, -0.652f, 0.602f, -0.676f, -0.312f, 2.767f },
	},
};

const float hazard_alarm[PREDICTOR_CLASSES] = {
	[PREDICT_OTHER] = 0.15f,
	[PREDICT_BATTERY] = 0.4f,
	[PREDICT_RADIO] = 0.2f,
	[PREDICT_CPU] = 0.1f,
	[PREDICT_MEMORY] = 0.1f,
	[PREDICT_THERMAL] = 0.3f,
};
