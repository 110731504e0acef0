#include "bothost.h"
