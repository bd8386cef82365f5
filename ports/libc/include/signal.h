// Nothing: ports of plain libraries include it and use nothing of it on this system.
#pragma once
