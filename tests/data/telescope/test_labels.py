"""Tables of labelled signals: which tile gets which class, and which tables are refused."""

import pytest

from data.invalid import InvalidData
from data.telescope.labels import AMBIGUOUS, NOISE, read_labels
from data.telescope.observation import open_observation
from data.telescope.tiling import Grid, Tiling, iterate_tiles
from tests.data.telescope.files import make_noise, write_fil

# 1000 to 1639 MHz and 48 s, in tiles of 64 MHz and 16 s: centres of channels are whole MHz.
HEADER = {"fch1": 1000.0, "foff": 1.0, "tsamp": 1.0}
GRID = Grid(height=16, width=64, overlap=0.0)


@pytest.fixture(scope="module")
def observation(tmp_path_factory):
    path = tmp_path_factory.mktemp("telescope") / "a.fil"
    with open_observation(write_fil(path, make_noise(48, 640), **HEADER)) as opened:
        yield opened


def find_classes(observation, folder, *lines, grid=GRID):
    """Return the classes of tiles other than noise, by their places (time, frequency)."""
    table = folder / "labels.csv"
    table.write_text("\n".join(("frequency_mhz,class,start_s,stop_s,drift_hz_s", *lines)) + "\n")
    labels = read_labels(str(table), observation.header)
    tiling = Tiling(observation, grid)
    classes = {}
    for tiles, _ in iterate_tiles(observation, tiling):
        for tile, column in zip(tiles, labels.find_columns(tiles, tiling), strict=True):
            name = "ambiguous" if column == AMBIGUOUS else labels.classes[column]
            if name != NOISE:
                classes[divmod(int(tile["tile"]), tiling.across)] = name
    return classes


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            ["1096,line,,,"], {(0, 1): "line", (1, 1): "line", (2, 1): "line"}, id="all the time"
        ),
        pytest.param(["1096,line,16,32,"], {(1, 1): "line"}, id="in the second row of tiles"),
        pytest.param(
            ["1096,line,15,33,"],
            {(0, 1): "ambiguous", (1, 1): "line", (2, 1): "ambiguous"},
            id="a second in others",
        ),
        pytest.param(["1096,line,7,8,"], {(0, 1): "line"}, id="a short pulse"),
        pytest.param(["1096,line,12,40,"], {(r, 1): "line" for r in range(3)}, id="a quarter"),
        pytest.param(["1096,line,0,16,", "1110,line,0,16,"], {(0, 1): "line"}, id="one class"),
        pytest.param(
            ["1096,line,0,16,", "1110,pulse,0,16,"], {(0, 1): "ambiguous"}, id="two classes"
        ),
        pytest.param(
            ["1096,pulse,0,16,", "1224,line,0,16,"],
            {(0, 1): "pulse", (0, 3): "line"},
            id="two tiles",
        ),
        pytest.param(
            ["1066,line,0,16,"], {(0, 0): "ambiguous", (0, 1): "ambiguous"}, id="at the edge"
        ),
        pytest.param(["1068,line,0,16,"], {(0, 1): "line"}, id="just inside"),
        pytest.param(["1096,noise,0,16,"], {}, id="labelled as noise"),
        # 2 MHz/s: 1080 to 1112 in the first tile, then out of it into the next two.
        pytest.param(
            ["1080,line,,,2e6"],
            {
                (0, 1): "line",
                (1, 1): "ambiguous",
                (1, 2): "ambiguous",
                (2, 2): "line",
            },
            id="drifting",
        ),
        pytest.param(["1112,line,,16,-2e6"], {(0, 1): "line"}, id="drifting down"),
        pytest.param(["1112,line,16,32,-2e6"], {(1, 1): "line"}, id="drifting from when it starts"),
    ],
)
def test_a_tile_that_holds_a_labelled_signal_has_its_class(lines, expected, observation, tmp_path):
    assert find_classes(observation, tmp_path, *lines) == expected


def test_where_tiles_overlap_a_signal_at_the_edge_of_one_is_inside_another(observation, tmp_path):
    grid = Grid(height=48, width=64, overlap=0.5)
    classes = find_classes(observation, tmp_path, "1064,line,,,", grid=grid)
    assert classes == {(0, 0): "ambiguous", (0, 1): "line", (0, 2): "ambiguous"}


def test_columns_may_be_in_any_order_and_absent(observation, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("\ufeffClass, Frequency_MHz,comment\nline,1096,strong\nb,1100,\n")
    labels = read_labels(str(table), observation.header)
    assert labels.classes == ("noise", "line", "b")
    assert labels.frequency.tolist() == [1096.0, 1100.0]
    assert (labels.start.tolist(), labels.stop.tolist()) == ([0.0, 0.0], [48.0, 48.0])
    assert labels.drift.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            "",
            " has no column frequency_mhz and no column class in its first line. Columns are "
            "frequency_mhz, class and, if you like, start_s, stop_s, drift_hz_s.",
            id="empty",
        ),
        pytest.param(
            "frequency_mhz,name\n1,a\n",
            " has no column class in its first line. Columns are frequency_mhz, class and, if you "
            "like, start_s, stop_s, drift_hz_s.",
            id="no class",
        ),
        pytest.param(
            "frequency_mhz,class\n1096,a\n1.4 GHz,a\n",
            ', row 3: "1.4 GHz" is not a number. Correct frequency_mhz.',
            id="text",
        ),
        pytest.param(
            "frequency_mhz,class\nnan,a\n",
            ', row 2: "nan" is not a number. Correct frequency_mhz.',
            id="NaN",
        ),
        pytest.param(
            "frequency_mhz,class\n,a\n",
            ', row 2: "" is not a number. Correct frequency_mhz.',
            id="no frequency",
        ),
        pytest.param(
            "frequency_mhz,class\n1096\n", ", row 2: the class is missing.", id="short row"
        ),
        pytest.param(
            "frequency_mhz,class,start_s,stop_s\n1096,a,9,3\n",
            ", row 2: stop_s 3 is not after start_s 9.",
            id="ends before it begins",
        ),
        pytest.param(
            "frequency_mhz,class\n96,a\n",
            " has no signal between 1,000.000000 and 1,639.000000 MHz, the observation's "
            "frequencies. Is it the table of another observation?",
            id="another band",
        ),
        pytest.param(
            b"frequency_mhz,class\n1096,\xff\n",
            " is no table in CSV: 'utf-8' codec can't decode byte 0xff in position 25: invalid "
            "start byte.",
            id="not UTF-8",
        ),
    ],
)
def test_a_wrong_table_is_refused(content, message, observation, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidData) as error:
        read_labels(str(table), observation.header)
    assert str(error.value) == f"{table}{message}"


def test_a_missing_table_is_named(observation, tmp_path):
    with pytest.raises(InvalidData) as error:
        read_labels(str(tmp_path / "x.csv"), observation.header)
    assert str(error.value) == f"{tmp_path}/x.csv cannot be read: No such file or directory."
