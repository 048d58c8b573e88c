// Found before protobuf's own header by builds with ThreadSanitizer, in which that header
// would give map fields one member more than the installed library has.
#pragma once
#include <bits/c++config.h>  // is to see the macro

#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include_next <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")
