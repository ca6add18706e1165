/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* On what the system runs, in the words of systemd-detect-virt(1): "none", "kvm", "vmware",
 * "docker", …; the innermost layer counts. rootfs: "" or where another system's files are. */
void virtualization_detect(
    const char *proc, const char *sys, const char *rootfs, char *dst, size_t size);
