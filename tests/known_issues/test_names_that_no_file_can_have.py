"""A name of more letters than a file can have was an operating-system error, not a missing file."""

import numpy as np
import pytest

from slr_keras.prepare import main
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("name", ["a" * 300, "b/" * 3000])
def test_a_table_that_names_such_a_file_is_refused_with_the_line(tmp_path, name):
    (tmp_path / "glosses.csv").write_text(f"id,glosses,file\nsun,SUN,{name}\n")
    np.save(tmp_path / "sun.npy", np.zeros((4, 75, 3)))
    arguments = ["npz", "--from", str(tmp_path), "--to", str(tmp_path / "data")]
    with pytest.raises(UserError, match=r"glosses\.csv: no file of the clips sun \(line 2\)"):
        main([*arguments, "--layout", "mediapipe_75"])
