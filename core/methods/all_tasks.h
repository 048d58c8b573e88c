#ifndef TWEEDIE_CORE_METHODS_ALL_TASKS_H_
#define TWEEDIE_CORE_METHODS_ALL_TASKS_H_

// Resolve() and SetUp() of every task (task_context.h).
#include "core/methods/ald.h"
#include "core/methods/ddnm.h"
#include "core/methods/ddrm.h"
#include "core/methods/denoise.h"
#include "core/methods/diffpir.h"
#include "core/methods/dps.h"
#include "core/methods/pigdm.h"
#include "core/methods/reddiff.h"
#include "core/methods/repaint.h"
#include "core/methods/sample.h"
#include "core/methods/sdedit.h"

#endif  // TWEEDIE_CORE_METHODS_ALL_TASKS_H_
