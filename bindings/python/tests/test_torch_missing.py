"""What happens without PyTorch."""

import subprocess
import sys


def test_without_pytorch_only_its_own_module_is_missing_and_says_so():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import pidinet\n"
        "try: import pidinet.torch\n"
        "except ImportError as error: sys.exit('needs PyTorch' not in str(error))\n"
        "sys.exit(2)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
