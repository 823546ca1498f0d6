"""Edges of more images than one machine can take, by Ray: `pip install 'pidinet[ray]'`, or `ray` without Ray Data if `DetectEdges`
is not needed.

    import pidinet.ray

    report = pidinet.ray.detect_folder("s3://photographs/2024", "s3://edges/2024", address="auto")
    print(report)                                                            # 1200 written, 3 failed, 0 there before

    import ray

    edges = ray.data.read_images("photographs").map_batches(
        pidinet.ray.DetectEdges, compute=ray.data.ActorPoolStrategy(size=4), num_cpus=1, batch_size=8
    )

pidinet has to be installed on all machines of the cluster; `ray.init(runtime_env={"pip": ["pidinet"]})` does that. Importing this
does not import Ray.
"""

from ._detect import DetectEdges
from ._evaluate import evaluate
from ._folder import Report, detect_folder

__all__ = ["DetectEdges", "Report", "detect_folder", "evaluate"]
