"""The encodings of data sets and toolkits, as data: name -> the kind of codec, and its attributes.

What an attribute means is in `codecs`. A source is a public repository with the file that defines the encoding, or the
documentation of a data set.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ENCODINGS"]

_DEEPLAB2 = "https://github.com/google-research/deeplab2 data/dataset.py"
_CITYSCAPES = "https://github.com/mcordts/cityscapesScripts cityscapesscripts/preparation/"
_LABELS = "https://github.com/mcordts/cityscapesScripts cityscapesscripts/helpers/labels.py"
_VISTAS = "https://github.com/mapillary/mapillary_vistas mapillary_vistas/evaluation/evaluation.py"
_NUSCENES = "https://github.com/nutonomy/nuscenes-devkit python-sdk/nuscenes/"
_HUGGING_FACE = "https://github.com/huggingface/transformers src/transformers/models/mask2former/"
_SCANNET = "https://github.com/ScanNet/ScanNet "
_WAYMO = "https://github.com/waymo-research/waymo-open-dataset src/waymo_open_dataset/"

_COCO_STUFF = "https://github.com/nightrome/cocostuff README.md"
_BDD100K = "https://github.com/bdd100k/bdd100k "
_VOC = "https://github.com/openvinotoolkit/datumaro src/datumaro/plugins/data_formats/voc/format.py"

_RGB_IDS = {"dtype": "uint8", "channels": 3, "void": 0}
_RGB_FIELDS = {"dtype": "uint8", "channels": 3, "category": (0, 8), "instance": (8, 8)}
_TWO_INTEGERS = {
    "dtype": "int32",
    "channels": 2,
    "category": (0, 32),
    "instance": (32, 32),
    "most_category": 2**31 - 1,
    "most_instance": 2**31 - 1,
    "segment_divisor": 65536,
}

ENCODINGS: dict[str, tuple[str, dict[str, Any]]] = {
    # ---- a number for each segment ------------------------------------------------------------------------------
    "coco": (
        "segment",
        {
            **_RGB_IDS,
            "source": "https://github.com/cocodataset/panopticapi panopticapi/utils.py",
            "note": "R + 256 G + 65536 B; categories stand in segments_info",
        },
    ),
    "coconut": (
        "segment",
        {
            **_RGB_IDS,
            "source": "https://github.com/bytedance/coconut_cvpr2024 preparing_datasets.md",
            "note": "as COCO, ids 1 to n",
        },
    ),
    "ade20k_panoptic": (
        "segment",
        {
            **_RGB_IDS,
            "source": "https://github.com/facebookresearch/Mask2Former datasets/prepare_ade20k_pan_seg.py",
            "note": "as COCO",
        },
    ),
    "vistas_panoptic": (
        "segment",
        {
            **_RGB_IDS,
            "source": _VISTAS,
            "note": "panoptic/*.png of v1.2 and v2.0, as COCO",
        },
    ),
    "vipseg_rgb": (
        "segment",
        {
            **_RGB_IDS,
            "source": "https://github.com/VIPSeg-Dataset/VIPSeg-Dataset create_panoptic_video_labels.py",
            "note": "panomasksRGB/*.png, as COCO; an id stays the same through the video",
        },
    ),
    "detectron2_segments": (
        "segment",
        {
            "dtype": "int32",
            "void": 0,
            "source": "https://github.com/facebookresearch/detectron2 detectron2/modeling/meta_arch/panoptic_fpn.py",
            "note": "panoptic_seg with a list of segments_info",
        },
    ),
    "huggingface_panoptic": (
        "segment",
        {
            "dtype": "int32",
            "void": 0,
            "takes_floats": True,
            "empty": -1,
            "source": _HUGGING_FACE,
            "note": "post_process_panoptic_segmentation; where it finds nothing it gives floats of -1, which are read "
            "as void",
        },
    ),
    "huggingface_instance": (
        "segment",
        {
            "dtype": "int32",
            "void": -1,
            "first_instance": 0,
            "takes_floats": True,
            "source": _HUGGING_FACE,
            "note": "post_process_instance_segmentation, as floats",
        },
    ),
    "scannet_instance": (
        "segment",
        {
            "dtype": "uint8",
            "void": 0,
            "most_code": 254,
            "source": _SCANNET + "AnnotationTools/Filter2dAnnotations",
            "note": "2d-instance: objectId + 1",
        },
    ),
    "voc_object": (
        "segment",
        {
            "dtype": "uint8",
            "void": 255,
            "source": _VOC,
            "note": "SegmentationObject/*.png, palette: 1 to 254, borders are void; 0 is background, which "
            "becomes void only where a loss is allowed",
        },
    ),
    "tensorbay": (
        "segment",
        {
            "dtype": "uint16",
            "source": "https://github.com/Graviti-AI/tensorbay-python-sdk docs/source/reference/label_format",
            "note": "PanopticMask, 8 or 16 bits: all_category_ids has the category of each number; void is not "
            "documented, set it where the data has one",
        },
    ),
    # ---- only the category --------------------------------------------------------------------------------------
    "cityscapes_labelid": (
        "category",
        {"dtype": "uint8", "void": 0, "source": _LABELS, "note": "*_labelIds.png"},
    ),
    "cityscapes_trainid": (
        "category",
        {
            "dtype": "uint8",
            "void": 255,
            "segment_shift": 1,
            "source": _LABELS,
            "note": "*_labelTrainIds.png; road is 0",
        },
    ),
    "vistas_label": (
        "category",
        {"dtype": "uint8", "void": 65, "segment_shift": 1, "source": _VISTAS, "note": "labels/*.png of v1.2"},
    ),
    "vistas_v2_label": (
        "category",
        {"dtype": "uint8", "void": 123, "segment_shift": 1, "source": _VISTAS, "note": "labels/*.png of v2.0"},
    ),
    "ade20k_semantic": (
        "category",
        {
            "dtype": "uint8",
            "void": 0,
            "source": "https://github.com/CSAILVision/placeschallenge",
            "note": "SceneParse150: 1 to 150",
        },
    ),
    "coco_stuff_pixelmaps": (
        "category",
        {
            "dtype": "uint8",
            "void": 0,
            "most_code": 183,
            "source": _COCO_STUFF,
            "note": "stuff 92 to 182, all things 183",
        },
    ),
    "coco_stuffthingmaps": (
        "category",
        {
            "dtype": "uint8",
            "void": 255,
            "segment_shift": 1,
            "source": _COCO_STUFF,
            "note": "category id - 1: things 0 to 90, stuff 91 to 181",
        },
    ),
    "bdd100k_semantic": (
        "category",
        {
            "dtype": "uint8",
            "void": 255,
            "segment_shift": 1,
            "source": _BDD100K + "doc/source/format.rst",
            "note": "semantic masks",
        },
    ),
    "voc_class": (
        "category",
        {
            "dtype": "uint8",
            "void": 255,
            "segment_shift": 1,
            "source": _VOC,
            "note": "SegmentationClass/*.png, palette: 0 is background, 1 to 20, borders are void",
        },
    ),
    "scannet_label": (
        "category",
        {
            "dtype": "uint16",
            "void": 0,
            "source": _SCANNET + "AnnotationTools/Filter2dAnnotations",
            "note": "2d-label: the column id of scannetv2-labels.combined.tsv",
        },
    ),
    "nuscenes_lidarseg": (
        "category",
        {"dtype": "uint8", "void": 0, "source": _NUSCENES + "utils/data_io.py", "note": "one byte for each point"},
    ),
    # ---- category * divisor + instance --------------------------------------------------------------------------
    "cityscapes": (
        "divisor",
        {
            "dtype": "uint16",
            "void": 0,
            "first_instance": 0,
            "bare_below": 1000,
            "source": _CITYSCAPES + "json2instanceImg.py",
            "note": "*_instanceIds.png; stuff and groups of things are bare label ids",
        },
    ),
    "cityscapes_instancetrainid": (
        "divisor",
        {
            "dtype": "uint16",
            "void": 255,
            "first_instance": 0,
            "bare_below": 1000,
            "segment_shift": 1,
            "source": _CITYSCAPES + "json2instanceImg.py",
            "note": "*_instanceTrainIds.png; road is 0",
        },
    ),
    "cityscapes_panoptic": (
        "divisor",
        {
            "dtype": "uint8",
            "channels": 3,
            "void": 0,
            "first_instance": 0,
            "bare_below": 1000,
            "source": _CITYSCAPES + "createPanopticImgs.py",
            "note": "*_gtFine_panoptic.png: the code of *_instanceIds.png as RGB, low byte first",
        },
    ),
    "detectron2": (
        "divisor",
        {
            "dtype": "int32",
            "void": -1,
            "segment_shift": 1,
            "source": "https://github.com/facebookresearch/detectron2 detectron2/evaluation/panoptic_evaluation.py",
            "note": "panoptic_seg without segments_info; label_divisor is the data set's",
        },
    ),
    "deeplab2_cityscapes": (
        "divisor",
        {"dtype": "int32", "void": 255, "segment_shift": 1, "source": _DEEPLAB2, "note": "train ids; road is 0"},
    ),
    "deeplab2_kitti_step": (
        "divisor",
        {"dtype": "int32", "void": 255, "segment_shift": 1, "source": _DEEPLAB2, "note": "train ids"},
    ),
    "deeplab2_motchallenge_step": (
        "divisor",
        {"dtype": "int32", "void": 255, "segment_shift": 1, "source": _DEEPLAB2, "note": "7 classes"},
    ),
    "deeplab2_cityscapes_dvps": (
        "divisor",
        {"dtype": "int32", "void": 32, "segment_shift": 1, "source": _DEEPLAB2, "note": "train ids"},
    ),
    "deeplab2_semkitti_dvps": (
        "divisor",
        {
            "dtype": "int32",
            "divisor": 65536,
            "void": 255,
            "segment_shift": 1,
            "source": _DEEPLAB2,
            "note": "19 classes",
        },
    ),
    "deeplab2_coco": (
        "divisor",
        {"dtype": "int32", "divisor": 256, "void": 0, "source": _DEEPLAB2, "note": "contiguous categories 1 to 133"},
    ),
    "deeplab2_ade20k": (
        "divisor",
        {"dtype": "int32", "void": 0, "source": _DEEPLAB2, "note": "category + 1"},
    ),
    "deeplab2_waymo": (
        "divisor",
        {
            "dtype": "int32",
            "divisor": 100000,
            "void": 0,
            "source": "https://github.com/google-research/deeplab2 data/waymo_constants.py",
            "note": "WOD-PVPS",
        },
    ),
    "mots": (
        "divisor",
        {
            "dtype": "uint16",
            "void": 0,
            "first_instance": 0,
            "source": "https://github.com/VisualComputingInstitute/mots_tools mots_common/io.py",
            "note": "1 car, 2 pedestrian, 10 ignore; the code is the track id",
        },
    ),
    "vistas": (
        "divisor",
        {
            "dtype": "uint16",
            "divisor": 256,
            "void": 65,
            "first_instance": 0,
            "segment_shift": 1,
            "source": _VISTAS,
            "note": "instances/*.png of v1.2; label 0 is a bird",
        },
    ),
    "vistas_v2": (
        "divisor",
        {
            "dtype": "uint16",
            "divisor": 256,
            "void": 123,
            "first_instance": 0,
            "segment_shift": 1,
            "source": _VISTAS,
            "note": "instances/*.png of v2.0; 123 is unlabeled, groups and the ambiguous are not evaluated either",
        },
    ),
    "panoptic_parts": (
        "divisor",
        {
            "dtype": "int32",
            "void": 0,
            "first_instance": 0,
            "bare_below": 100,
            "part_divisor": 100,
            "most_code": 9_999_999,
            "source": "https://github.com/pmeletis/panoptic_parts panoptic_parts/utils/format.py",
            "note": "TIFF files of Cityscapes-PP and PASCAL-PP: 2, 5 or 7 digits; part 0 is an unlabelled one",
        },
    ),
    "vipseg": (
        "divisor",
        {
            "dtype": "uint16",
            "divisor": 100,
            "void": 0,
            "first_instance": 0,
            "bare_below": 125,
            "source": "https://github.com/VIPSeg-Dataset/VIPSeg-Dataset README.md",
            "note": "panomasks/*.png; stuff is bare",
        },
    ),
    "nuscenes_panoptic": (
        "divisor",
        {
            "dtype": "uint16",
            "void": 0,
            "source": _NUSCENES + "eval/panoptic/README.md",
            "note": "the array `data`; ground truth has general classes, predictions challenge classes",
        },
    ),
    "scannet": (
        "divisor",
        {
            "dtype": "uint16",
            "void": 0,
            "bare_below": 1000,
            "source": _SCANNET + "BenchmarkScripts/2d_helpers/convert_scannet_instance_image.py",
            "note": "converted, NYU40 labels; codes below 1000 are bare labels, as convert2panoptic.py reads them. "
            "convert_scannet_instance_image.py itself writes 1, 2, ... where there is no label: then bare_below=0",
        },
    ),
    "waymo": (
        "divisor",
        {
            "dtype": "uint16",
            "void": 0,
            "most_code": 65534,
            "source": _WAYMO + "utils/camera_segmentation_utils.py",
            "note": "camera images; each message has its own panoptic_label_divisor; with global instances they need "
            'dtype="uint32", most_code=None',
        },
    ),
    "category_major": (
        "divisor",
        {"dtype": "int64", "note": "value // divisor and value % divisor; no void"},
    ),
    # ---- instance * divisor + category --------------------------------------------------------------------------
    "mmdetection": (
        "divisor",
        {
            "dtype": "int32",
            "major": "instance",
            "void": 133,
            "source": "https://github.com/open-mmlab/mmdetection mmdet/evaluation/functional/panoptic_utils.py",
            "note": "void is the number of classes; instances count over all classes",
        },
    ),
    "instance_major": (
        "divisor",
        {"dtype": "int64", "major": "instance", "note": "value % divisor and value // divisor; no void"},
    ),
    # ---- bits and channels --------------------------------------------------------------------------------------
    "panopticapi_2ch": (
        "fields",
        {
            **_RGB_FIELDS,
            "void": 0,
            "first_instance": 0,
            "segment_divisor": 1000,
            "source": "https://github.com/cocodataset/panopticapi converters/2channels2panoptic_coco_format.py",
            "note": "R category, G instance",
        },
    ),
    "deeplab2_2ch": (
        "fields",
        {
            **_RGB_FIELDS,
            "void": 255,
            "segment_divisor": 1000,
            "segment_shift": 1,
            "source": "https://github.com/google-research/deeplab2 trainer/vis.py",
            "note": "two_channel_png; void is the data set's ignore label",
        },
    ),
    "kitti_step": (
        "fields",
        {
            **_RGB_FIELDS,
            "instance": (16, 8, 8, 8, 1),
            "void": 255,
            "segment_divisor": 65536,
            "segment_shift": 1,
            "source": "https://github.com/google-research/deeplab2 data/build_step_data.py",
            "note": "KITTI-STEP, MOTChallenge-STEP, three_channel_png: R category, G and B the high and low byte of "
            "the instance",
        },
    ),
    "bdd100k": (
        "fields",
        {
            "dtype": "uint8",
            "channels": 4,
            "category": (0, 8),
            "instance": (24, 8, 16, 8, 1),
            "attributes": (("truncated", 11), ("occluded", 10), ("crowd", 9), ("ignored", 8)),
            "void": 0,
            "source": _BDD100K + "doc/source/format.rst",
            "note": "RGBA bit masks: R category, G attributes, B and A the high and low byte of the id",
        },
    ),
    "ade20k_instance": (
        "fields",
        {
            **_RGB_FIELDS,
            "void": 0,
            "segment_divisor": 256,
            "source": "https://github.com/CSAILVision/placeschallenge instancesegmentation/README.md",
            "note": "annotations_instance: R class, G instance, counted over all classes",
        },
    ),
    "ade20k_full": (
        "fields",
        {
            "dtype": "uint8",
            "channels": 3,
            "category": (8, 8, 0, 8, 10),
            "instance": (16, 8),
            "void": 0,
            "segment_divisor": 256,
            "source": "https://github.com/CSAILVision/ADE20K utils/utils_ade20k.py",
            "note": "*_seg.png: class R // 10 * 256 + G; B tells instances apart, which are the ranks of its values in "
            "the image",
        },
    ),
    "pastis": (
        "fields",
        {
            **_TWO_INTEGERS,
            "most_category": 19,
            "void": 19,
            "segment_shift": 1,
            "source": "https://github.com/VSainteuf/pastis-benchmark code/dataloader.py",
            "note": "channel 0 of TARGET and INSTANCES, stacked along the last axis; 0 is background, 19 void",
        },
    ),
    "semantickitti": (
        "fields",
        {
            "dtype": "uint32",
            "category": (0, 16),
            "instance": (16, 16),
            "void": 0,
            "segment_divisor": 65536,
            "source": "https://github.com/PRBonn/semantic-kitti-api auxiliary/laserscan.py",
            "note": ".label files, one for each point; 1 (outlier) is not evaluated either",
        },
    ),
    "deeplab2_numpy": (
        "fields",
        {
            **_TWO_INTEGERS,
            "void": 255,
            "segment_shift": 1,
            "source": "https://github.com/google-research/deeplab2 trainer/vis.py",
            "note": "two_channel_numpy_array; void is the data set's ignore label",
        },
    ),
    "waymo_lidar": (
        "fields",
        {
            **_TWO_INTEGERS,
            "category": (32, 32),
            "instance": (0, 32),
            "void": 0,
            "source": _WAYMO + "dataset.proto",
            "note": "MatrixInt32 with the instance first",
        },
    ),
    "segments_ai": (
        "segment",
        {
            "dtype": "uint8",
            "channels": 4,
            "void": 0,
            "constant": 0xFF000000,
            "source": "https://github.com/segments-ai/segments-ai src/segments/utils.py",
            "note": "RGBA: as COCO, and opaque",
        },
    ),
}
